//! The program that deploys.

fn main() -> Result<(), lambda_kit::Error> {
    lambda_kit::run(http_avatars::serve())
}
