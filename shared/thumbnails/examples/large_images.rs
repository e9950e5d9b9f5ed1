//! Prints the cost of thumbnails of large images: the time and the peak memory of the process.
//!
//! `cargo run --release -p thumbnails --example large_images`, and one of [`CASES`] to have its memory alone.

use std::io::Cursor;
use std::time::Instant;

use image::codecs::gif::GifEncoder;
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{DynamicImage, ImageFormat, RgbImage};

/// Names, megapixels, and whether some shines through.
const CASES: [(&str, ImageFormat, u32, bool); 6] = [
    ("jpeg12", ImageFormat::Jpeg, 12, false),
    ("jpeg50", ImageFormat::Jpeg, 50, false),
    ("png50", ImageFormat::Png, 50, false),
    ("png50alpha", ImageFormat::Png, 50, true),
    ("webp50", ImageFormat::WebP, 50, false),
    ("gif50", ImageFormat::Gif, 50, false),
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let Some(name) = arguments.next() else {
        // A process for each, so that its memory is its own.
        for (name, ..) in CASES {
            let file = std::env::temp_dir().join(format!("{name}-{}", std::process::id()));
            for step in ["make", "read"] {
                let status =
                    std::process::Command::new(std::env::current_exe()?).arg(name).arg(step).arg(&file).status()?;
                if !status.success() {
                    return Err(format!("{name}: {status}").into());
                }
            }
            std::fs::remove_file(&file)?;
        }
        return Ok(());
    };
    let case = CASES.into_iter().find(|(known, ..)| *known == name).ok_or("the case does not exist")?;
    let (step, file) = (
        arguments.next().ok_or("the step is missing: make or read")?,
        arguments.next().ok_or("the file name is missing")?,
    );
    if step == "make" { Ok(std::fs::write(file, made(case)?)?) } else { read(&name, &std::fs::read(file)?) }
}

/// Noise and lines, so that it is neither compressed to nothing nor not at all.
fn made((_, format, megapixels, shines): (&str, ImageFormat, u32, bool)) -> image::ImageResult<Vec<u8>> {
    let (width, height) = (megapixels * 1_000_000 / 6_000, 6_000);
    let image = RgbImage::from_fn(width, height, |x, y| {
        let noise = (x.wrapping_mul(2_654_435_761) ^ y.wrapping_mul(40_503)) >> 28;
        let [x, y, noise] = [x / 16, y / 16, noise].map(|part| u8::try_from(part & 0xff).unwrap_or_default());
        image::Rgb([x.wrapping_add(noise), y, x ^ y])
    });
    let mut image = DynamicImage::from(image);
    if shines {
        let mut glass = image.into_rgba8();
        glass.get_pixel_mut(0, 0).0[3] = 0;
        image = glass.into();
    }
    let mut bytes = Vec::new();
    match format {
        ImageFormat::Png => {
            let encoder = PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Adaptive);
            image.write_with_encoder(encoder)?;
        }
        ImageFormat::Gif => {
            let pixels = image.into_rgba8();
            let (width, height) = (u16::try_from(width), u16::try_from(height));
            if let (Ok(width), Ok(height)) = (width, height) {
                GifEncoder::new_with_speed(&mut bytes, 30).encode(
                    &pixels,
                    width.into(),
                    height.into(),
                    image::ExtendedColorType::Rgba8,
                )?;
            }
        }
        format => image.write_to(&mut Cursor::new(&mut bytes), format)?,
    }
    Ok(bytes)
}

fn read(name: &str, bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let started = Instant::now();
    let picture = thumbnails::thumbnails(bytes).map_err(|reason| format!("{name}: {}", reason.as_str()))?;
    let took = started.elapsed();
    let most = std::fs::read_to_string("/proc/self/status")?;
    let most = most.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
    let sizes: Vec<usize> = picture.thumbnails.iter().map(|made| made.bytes.len()).collect();
    println!("{name:<12}{:>10} bytes {took:>10.2?}, at most {most}, thumbnails of {sizes:?} bytes", bytes.len());
    Ok(())
}
