//! The rules of the log, its writers and their mutants, which the suite `log` has for runs through sockets.

#[path = "../log/chaos/check.rs"]
pub(crate) mod check;
#[path = "../log/chaos/sent.rs"]
pub(crate) mod sent;
#[path = "../log/chaos/writer.rs"]
pub(crate) mod writer;

/// The production code, laid out as the mutants are.
pub(crate) mod production {
    pub(crate) use chat::log;
    pub(crate) use store::dynamodb;
}

pub(crate) mod mutants {
    use super::check::Rule;
    use super::writer::{MakeWriter, writer};

    /// Code with one thing broken.
    pub(crate) struct Mutant {
        pub(crate) name: &'static str,
        pub(crate) make: MakeWriter,
        pub(crate) breaks: Rule,
    }

    macro_rules! mutant {
        ($name:ident, $breaks:ident) => {
            Mutant { name: stringify!($name), make: writer!(crate::chaos::mutants::$name), breaks: Rule::$breaks }
        };
    }

    pub(crate) const fn all() -> &'static [Mutant] {
        &MUTANTS
    }

    include!(concat!(env!("OUT_DIR"), "/mutants.rs"));
}
