//! What counts as one address where addresses are limited or blocked.

use std::net::IpAddr;

/// The IPv4 address, or the /64 of an IPv6 address: a provider assigns a customer at least that many. An IPv4 address
/// mapped into IPv6 counts as that IPv4 address.
#[must_use]
pub fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() >> 64 << 64).into()),
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_one_customer_are_one_network() {
        for (one, other, is_same) in [
            ("192.0.2.1", "192.0.2.1", true),
            ("192.0.2.1", "192.0.2.2", false),
            ("192.0.2.1", "::ffff:192.0.2.1", true),
            ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", true),
            ("2001:db8::1", "2001:db8:0:1::1", false),
        ] {
            let [one_network, other_network] =
                [one, other].map(|text| network(text.parse().unwrap()));
            assert_eq!(one_network == other_network, is_same, "{one} {other}");
        }
    }
}
