//! People share files: announced, uploaded by signed requests with every check on, looked at, attached, read, and gone.

mod sharing;
mod uploader;
mod uploading;
