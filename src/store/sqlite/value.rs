//! Conversions between store values and columns.

use std::net::IpAddr;

use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use serde::de::DeserializeOwned;
use stagedoor_proto::{Data, FamilyId, Timestamp};

use crate::address::network;
use crate::store::BlockKind;

/// A time in milliseconds. Later times than the column can hold become its maximum.
pub(super) struct Ms(pub(super) Timestamp);

impl ToSql for Ms {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0.as_millis()).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Ms {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            i64::MAX => Ok(Self(Timestamp::MAX)),
            ms => match u64::try_from(ms) {
                Ok(ms) => Ok(Self(Timestamp::from_millis(ms))),
                Err(_) => Err(FromSqlError::OutOfRange(ms)),
            },
        }
    }
}

/// A generation, a time-based number below 2^63.
pub(super) struct Generation(pub(super) u64);

impl ToSql for Generation {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Generation {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let generation = value.as_i64()?;
        u64::try_from(generation).map(Self).map_err(|_| FromSqlError::OutOfRange(generation))
    }
}

/// A row number, below 2^63. Negative stored values read as 0, which no row has.
pub(super) struct Number(pub(super) u64);

impl ToSql for Number {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(i64::try_from(self.0).unwrap_or(i64::MAX).into())
    }
}

impl FromSql for Number {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Ok(Self(u64::try_from(value.as_i64()?).unwrap_or(0)))
    }
}

/// A family as 16 bytes, big-endian.
pub(super) struct Family(pub(super) FamilyId);

impl ToSql for Family {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Owned(self.0.bits().to_be_bytes().to_vec().into()))
    }
}

impl FromSql for Family {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        <[u8; 16]>::column_result(value)
            .map(|bytes| Self(FamilyId::from_bits(u128::from_be_bytes(bytes))))
    }
}

/// Application data as JSON text.
pub(super) struct Json(pub(super) Data);

impl FromSql for Json {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let text = value.as_str()?.to_owned();
        Data::from_json(text).map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

/// A gateway type as JSON text.
pub(super) struct JsonOf<T>(pub(super) T);

impl<T: DeserializeOwned> FromSql for JsonOf<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let parsed = serde_json::from_str(value.as_str()?);
        parsed.map(Self).map_err(|error| FromSqlError::Other(Box::new(error)))
    }
}

impl ToSql for BlockKind {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self {
            Self::Kick => 0.into(),
            Self::Ban => 1.into(),
        })
    }
}

impl FromSql for BlockKind {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        match value.as_i64()? {
            0 => Ok(Self::Kick),
            1 => Ok(Self::Ban),
            other => Err(FromSqlError::OutOfRange(other)),
        }
    }
}

/// An address as the 16 bytes of IPv6, with IPv4 mapped.
pub(super) fn address_bytes(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

/// The first and the last address of the [`network`] of an address, as [`address_bytes`].
pub(super) fn network_bytes(address: IpAddr) -> ([u8; 16], [u8; 16]) {
    let first = address_bytes(network(address));
    let mut last = first;
    if address.to_canonical().is_ipv6() {
        last[8..].fill(u8::MAX);
    }
    (first, last)
}
