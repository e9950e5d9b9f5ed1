//! A reading of the meter with the bill at list prices, as JSON and as a table.

mod bill;
mod reading;
mod table;

pub use bill::{Bill, Line};
pub use reading::{FunctionReading, HttpApiReading, MeterReader, Reading, WebSocketApiReading};
