//! What is tried: a file a scenario, each of them `run(&Load)`, which measures and publishes a report.

pub(crate) mod connect;
pub(crate) mod floor;
pub(crate) mod idle;
