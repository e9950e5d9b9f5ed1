//! Types with a magic number, and the numbers that each of them may begin with.
//!
//! Programs derive a type from the file's extension, and many extensions share one container: a family has every name of its
//! container. An MP4 may be announced as QuickTime and a WebM as Matroska, but no image as a video and no video as an image.
//! The contents of a ZIP are not distinguished. `application/vnd.ms-excel` is no family: Windows uses it for tables in plain
//! text.

/// Containers, each with the one name that `infer` uses if it detects only the container from the first bytes.
const ZIP: &str = "application/zip";
const OLE: &str = "application/x-ole-storage";
const RTF: &str = "application/rtf";
const MP4: &str = "video/mp4";
const HEIF: &str = "image/heif";
const AVIF: &str = "image/avif";
const MATROSKA: &str = "video/x-matroska";
const OGG: &str = "audio/ogg";
const MP3: &str = "audio/mpeg";
const AAC: &str = "audio/aac";
const BMP: &str = "image/bmp";
const PDF: &str = "application/pdf";

/// Types that `infer` detects by half of their magic number, or by a number at another place than the beginning.
const WHOLE: [&str; 8] = ["image/png", "image/gif", "image/webp", BMP, PDF, MP3, AAC, MP4];

/// Number of first bytes in which the mark of a PDF may stand, behind blanks.
const PDF_BLANKS: usize = 1024;

/// A family: the announced types, and the detected types that are accepted for them.
type Family = (&'static [&'static str], &'static [&'static str]);

const FAMILIES: &[Family] = &[
    // Images.
    (&["image/png", "image/x-png", "image/apng", "image/vnd.mozilla.apng"], &["image/png"]),
    (&["image/jpeg", "image/jpg", "image/pjpeg"], &["image/jpeg"]),
    (&["image/gif"], &["image/gif"]),
    (&["image/webp"], &["image/webp"]),
    (&["image/avif", "image/avif-sequence"], &[AVIF]),
    (&["image/heic", "image/heif", "image/heic-sequence", "image/heif-sequence"], &[HEIF]),
    (&["image/bmp", "image/x-bmp", "image/x-ms-bmp"], &[BMP]),
    (&["image/tiff", "image/tiff-fx"], &["image/tiff"]),
    (&["image/vnd.microsoft.icon", "image/x-icon"], &["image/vnd.microsoft.icon"]),
    (&["image/jp2"], &["image/jp2"]),
    (&["image/jxl"], &["image/jxl"]),
    (&["image/vnd.adobe.photoshop", "image/x-photoshop", "image/psd"], &["image/vnd.adobe.photoshop"]),
    // Sound and film.
    (&["video/mp4", "video/x-m4v", "video/quicktime", "video/3gpp", "video/3gpp2"], &[MP4]),
    (&["audio/mp4", "audio/m4a", "audio/x-m4a", "audio/3gpp", "audio/3gpp2"], &[MP4]),
    (&["video/webm", "audio/webm", "video/matroska", "audio/matroska"], &[MATROSKA]),
    (&["video/x-matroska", "audio/x-matroska"], &[MATROSKA]),
    (&["audio/ogg", "video/ogg", "application/ogg", "audio/opus", "audio/vorbis"], &[OGG]),
    (&["audio/mpeg", "audio/mp3", "audio/x-mp3", "audio/x-mpeg", "audio/mpeg3"], &[MP3]),
    (&["audio/aac", "audio/aacp", "audio/x-aac"], &[AAC, MP3]),
    (&["audio/wav", "audio/wave", "audio/x-wav", "audio/vnd.wave"], &["audio/x-wav"]),
    (&["audio/flac", "audio/x-flac"], &["audio/x-flac"]),
    (&["audio/aiff", "audio/x-aiff"], &["audio/x-aiff"]),
    (&["audio/amr"], &["audio/amr"]),
    (&["audio/midi", "audio/x-midi"], &["audio/midi"]),
    (&["video/x-msvideo", "video/avi", "video/vnd.avi", "video/msvideo"], &["video/x-msvideo"]),
    (&["video/x-ms-wmv", "video/x-ms-asf", "audio/x-ms-wma"], &["video/x-ms-wmv"]),
    (&["video/x-flv"], &["video/x-flv"]),
    (&["video/mpeg"], &["video/mpeg"]),
    // Documents. Office stores encrypted newer formats in the container of the older ones, and uses the old names for many
    // formats.
    (&["application/pdf", "application/x-pdf"], &[PDF]),
    (&["application/rtf", "text/rtf", "application/x-rtf"], &[RTF]),
    (&["application/msword", "application/vnd.ms-powerpoint"], &[OLE, ZIP, RTF]),
    (&["application/vnd.ms-outlook", "application/x-ole-storage", "application/x-msi"], &[OLE]),
    // Archives.
    (&["application/zip", "application/x-zip", "application/x-zip-compressed"], &[ZIP]),
    (&["application/java-archive", "application/vnd.android.package-archive"], &[ZIP]),
    (&["application/vnd.google-earth.kmz", "application/epub"], &[ZIP]),
    (&["application/gzip", "application/x-gzip", "application/x-compressed-tar"], &["application/gzip"]),
    (&["application/x-bzip2", "application/x-bzip"], &["application/x-bzip2"]),
    (&["application/x-xz"], &["application/x-xz"]),
    (&["application/zstd"], &["application/zstd"]),
    (&["application/x-7z-compressed"], &["application/x-7z-compressed"]),
    (&["application/vnd.rar", "application/x-rar", "application/x-rar-compressed"], &["application/vnd.rar"]),
    (&["application/x-tar"], &["application/x-tar"]),
    (&["application/vnd.ms-cab-compressed"], &["application/vnd.ms-cab-compressed"]),
    (&["application/vnd.debian.binary-package"], &["application/vnd.debian.binary-package"]),
    (&["application/x-rpm"], &["application/x-rpm"]),
    // Fonts and the rest.
    (&["font/woff", "font/woff2", "application/font-woff", "application/font-woff2"], &["application/font-woff"]),
    (&["font/ttf", "font/otf", "font/sfnt", "application/x-font-ttf"], &["application/font-sfnt"]),
    (&["application/vnd.sqlite3", "application/x-sqlite3"], &["application/vnd.sqlite3"]),
    (&["application/wasm"], &["application/wasm"]),
];

/// Returns the types that bytes announced as this type may have; `None` for a type without a magic number.
pub(super) fn of(declared: &str) -> Option<&'static [&'static str]> {
    if let Some((_, found)) = FAMILIES.iter().find(|(names, _)| names.contains(&declared)) {
        return Some(found);
    }
    let office = declared.starts_with("application/vnd.openxmlformats-officedocument.")
        || (declared.starts_with("application/vnd.ms-") && declared.ends_with(".macroenabled.12"));
    let open_document = declared.starts_with("application/vnd.oasis.opendocument.") && !declared.contains("xml");
    if office {
        Some(&[ZIP, OLE])
    } else if open_document || declared.ends_with("+zip") {
        Some(&[ZIP])
    } else {
        None
    }
}

/// Returns the type of the first bytes by their magic number.
pub(super) fn magic(first_bytes: &[u8]) -> Option<&'static str> {
    let known = || infer::get(first_bytes).map(|kind| kind.mime_type());
    container(first_bytes).or_else(|| known().filter(|kind| !WHOLE.contains(kind)))
}

/// Detects containers for which `infer` checks more than the magic number, or less.
fn container(bytes: &[u8]) -> Option<&'static str> {
    let starts = |marks: &[&[u8]]| marks.iter().any(|mark| bytes.starts_with(mark));
    let riff = |kind: &[u8]| starts(&[b"RIFF", b"RF64"]) && bytes.get(8..12) == Some(kind);
    if starts(&[b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"]) {
        Some(ZIP)
    } else if starts(&[b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"]) {
        Some(OLE)
    } else if starts(&[b"\x89PNG\r\n\x1a\n"]) {
        Some("image/png")
    } else if starts(&[b"GIF87a", b"GIF89a"]) {
        Some("image/gif")
    } else if riff(b"WEBP") {
        Some("image/webp")
    } else if riff(b"WAVE") {
        Some("audio/x-wav")
    } else if starts(&[b"\x1a\x45\xdf\xa3"]) {
        Some(MATROSKA)
    } else if starts(&[b"OggS"]) {
        Some(OGG)
    } else if is_pdf(bytes) {
        Some(PDF)
    } else if is_bitmap(bytes) {
        Some(BMP)
    } else {
        iso_media(bytes).or_else(|| mpeg_audio(bytes))
    }
}

/// Readers find the mark of a PDF anywhere in the first 1,024 bytes. Blanks and a byte order mark may precede it here, and no
/// other format.
fn is_pdf(bytes: &[u8]) -> bool {
    let start = bytes.get(..bytes.len().min(PDF_BLANKS)).unwrap_or_default();
    let start = start.strip_prefix(b"\xef\xbb\xbf").unwrap_or(start);
    let blanks = start.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0).count();
    start.get(blanks..).is_some_and(|rest| rest.starts_with(b"%PDF-"))
}

/// Two letters are not enough, words begin with them: the four reserved bytes behind the size are zero, and the header of the
/// pixels has one of its known sizes.
fn is_bitmap(bytes: &[u8]) -> bool {
    let header = bytes.get(14..18).and_then(|size| size.try_into().ok()).map(u32::from_le_bytes);
    bytes.starts_with(b"BM")
        && bytes.get(6..10) == Some(&[0; 4])
        && header.is_none_or(|size| matches!(size, 12 | 16 | 40 | 52 | 56 | 64 | 108 | 124))
}

/// The ISO base media file format (ISO/IEC 14496-12), whose images differ from its films by their major brand. QuickTime's older
/// files have no brand. The length of the first box is no text.
fn iso_media(bytes: &[u8]) -> Option<&'static str> {
    let length = bytes.get(..4)?;
    if length.iter().all(|byte| byte.is_ascii_graphic() || byte.is_ascii_whitespace()) {
        return None;
    }
    match (bytes.get(4..8)?, bytes.get(8..12)?) {
        (b"ftyp", b"avif" | b"avis") => Some(AVIF),
        (b"ftyp", b"heic" | b"heix" | b"heim" | b"heis" | b"hevc" | b"hevx" | b"hevm" | b"hevs") => Some(HEIF),
        // Any coding; the other boxes name it.
        (b"ftyp", b"mif1" | b"msf1") => {
            let length = u32::from_be_bytes(bytes.get(..4)?.try_into().ok()?);
            let brands = bytes.get(16..bytes.len().min(usize::try_from(length).ok()?))?;
            Some(if brands.chunks(4).any(|brand| matches!(brand, b"avif" | b"avis")) { AVIF } else { HEIF })
        }
        (b"ftyp", b"crx " | b"jp2 " | b"jpx " | b"jxl ") => None,
        (b"ftyp" | b"moov" | b"mdat" | b"wide" | b"skip", _) => Some(MP4),
        _ => None,
    }
}

/// An ID3 tag, or a frame's header (ISO/IEC 11172-3): eleven bits that are set, a version and a layer; without a layer it is ADTS.
fn mpeg_audio(bytes: &[u8]) -> Option<&'static str> {
    let (first, second) = (*bytes.first()?, *bytes.get(1)?);
    if bytes.starts_with(b"ID3") {
        return Some(MP3);
    }
    let (version, layer) = ((second >> 3) & 3, (second >> 1) & 3);
    // No frame has these two values, and text in UTF-16 begins with `ff fe` and an ASCII character.
    if layer != 0 && bytes.get(2).is_some_and(|third| third >> 4 == 15 || (third >> 2) & 3 == 3) {
        return None;
    }
    if bytes.starts_with(&[0xff, 0xfe]) && bytes.get(3) == Some(&0) {
        return None;
    }
    match (first, second & 0xe0, version, layer) {
        (0xff, 0xe0, 2 | 3, 0) => Some(AAC),
        (0xff, 0xe0, 0 | 2 | 3, 1..=3) => Some(MP3),
        _ => None,
    }
}
