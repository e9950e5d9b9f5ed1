//! People share files: announced, uploaded by signed requests with every check on, looked at, attached, read, and gone.

mod abandoned;
mod announcing;
mod avatars;
mod browsers;
mod deletion;
mod parts;
mod reading;
mod scheduled;
mod sharing;
mod thumbnails;
mod uploader;
mod uploading;
