//! Writes both specifications into `docs`, where they have changed.

use std::io;

fn main() -> io::Result<()> {
    for (name, text) in specification::files() {
        std::fs::write(specification::root().join(name), text)?;
        println!("{name}");
    }
    Ok(())
}
