//! Pictures of files that end too early, as downloads and copies that were interrupted do. Browsers show what there is.

use std::io::ErrorKind;

use image::metadata::Orientation;
use image::{ColorType, ExtendedColorType, ImageDecoder, ImageError, ImageResult, Limits};

/// A decoder that keeps the pixels before the end of the file. Fails with [`ErrorKind::UnexpectedEof`] if there are none.
pub(super) struct Truncatable<D>(pub(super) D);

impl<D: ImageDecoder> Truncatable<D> {
    /// Pixels of 16 bits are left in another byte order by a decoder that does not reach the end.
    fn keeps_pixels(&self) -> bool {
        let colours = self.0.color_type();
        colours.bytes_per_pixel() == colours.channel_count()
    }
}

impl<D: ImageDecoder> ImageDecoder for Truncatable<D> {
    fn dimensions(&self) -> (u32, u32) {
        self.0.dimensions()
    }

    fn color_type(&self) -> ColorType {
        self.0.color_type()
    }

    fn original_color_type(&self) -> ExtendedColorType {
        self.0.original_color_type()
    }

    fn icc_profile(&mut self) -> ImageResult<Option<Vec<u8>>> {
        self.0.icc_profile()
    }

    fn orientation(&mut self) -> ImageResult<Orientation> {
        self.0.orientation()
    }

    fn total_bytes(&self) -> u64 {
        self.0.total_bytes()
    }

    fn read_image(self, buffer: &mut [u8]) -> ImageResult<()> {
        let keeps_pixels = self.keeps_pixels();
        match self.0.read_image(buffer) {
            Err(ImageError::IoError(error))
                if error.kind() == ErrorKind::UnexpectedEof && keeps_pixels && buffer.iter().any(|byte| *byte != 0) =>
            {
                Ok(())
            }
            result => result,
        }
    }

    fn set_limits(&mut self, limits: Limits) -> ImageResult<()> {
        self.0.set_limits(limits)
    }

    fn read_image_boxed(self: Box<Self>, buffer: &mut [u8]) -> ImageResult<()> {
        (*self).read_image(buffer)
    }
}
