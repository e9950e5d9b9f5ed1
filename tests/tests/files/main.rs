//! People share files: announced, uploaded by signed requests with every check on, looked at, attached, read, and gone.

mod abandoned;
mod announcing;
mod going;
mod parts;
mod pictures;
mod reading;
mod sharing;
mod uploader;
mod uploading;
