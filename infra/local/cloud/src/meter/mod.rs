//! A reading of the meter with the bill at list prices, as JSON and as a table.

mod bill;
mod reader;
mod reading;
mod table;

pub use reader::MeterReader;
pub use reading::{Bill, FunctionReading, HttpApiReading, Line, Reading, WebSocketApiReading};
