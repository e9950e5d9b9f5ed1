//! A reading of the meter with the bill at list prices, as JSON and as a table.

mod bill;
mod prices;
mod reader;
mod reading;
mod table;

pub(crate) use prices::PriceList;
pub use reader::MeterReader;
pub use reading::{Bill, FunctionReading, HttpApiReading, Line, Reading, WebSocketApiReading};
