//! Pictures in messages.

use image::DynamicImage;
use image::imageops::FilterType;

use super::encode::{self, Encoded};
use super::{MediaError, animation, decode};

/// Longest side of a thumbnail, in pixels.
pub const THUMBNAIL_SIDE: u32 = 480;

/// Longest side of what the blur hash is made of: it shows a dozen waves at the most.
const BLUR_SIDE: u32 = 32;

/// A picture written anew.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The picture itself.
    pub full: Encoded,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
    /// What to show until it has come (<https://blurha.sh>).
    pub blurhash: String,
    /// A smaller one with sides up to [`THUMBNAIL_SIDE`], of a picture that is larger.
    pub thumbnail: Option<Encoded>,
}

/// Writes a picture anew: upright, without metadata, in the type it came in (but WebP without
/// transparency becomes JPEG). Of an animated GIF all frames are kept; of an animated WebP or PNG
/// the first.
///
/// # Errors
/// [`MediaError::Unreadable`] and [`MediaError::TooLarge`].
pub fn make(bytes: &[u8]) -> Result<Picture, MediaError> {
    let decoded = decode::decode(bytes)?;
    let (pixels, profile) = (decoded.pixels, decoded.profile);
    let (width, height) = (pixels.width(), pixels.height());
    let full = if decoded.media_type == "image/gif" {
        Encoded { media_type: "image/gif", bytes: animation::rewrite(bytes)?.into() }
    } else {
        encode::same_type(&pixels, profile.clone(), decoded.media_type)?
    };
    let thumbnail = if width > THUMBNAIL_SIDE || height > THUMBNAIL_SIDE {
        let small = pixels.resize(THUMBNAIL_SIDE, THUMBNAIL_SIDE, FilterType::Triangle);
        Some(encode::small(&small, profile)?)
    } else {
        None
    };
    let blurhash = blurhash(&pixels)?;
    Ok(Picture { full, width, height, blurhash, thumbnail })
}

/// More waves along the longer side.
fn blurhash(pixels: &DynamicImage) -> Result<String, MediaError> {
    let tiny = pixels.thumbnail(BLUR_SIDE, BLUR_SIDE).into_rgba8();
    let (width, height) = tiny.dimensions();
    let (across, down) = if width >= height { (4, 3) } else { (3, 4) };
    blurhash::encode(across, down, width, height, tiny.as_raw()).map_err(|_| MediaError::Unreadable)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::codecs::gif::{GifDecoder, GifEncoder};
    use image::{AnimationDecoder, Frame, ImageFormat, Rgba, RgbaImage};

    use super::*;

    fn file(width: u32, height: u32, alpha: u8, format: ImageFormat) -> Vec<u8> {
        let pixel = |x, y| Rgba([(x % 256) as u8, (y % 256) as u8, 90, alpha]);
        let rgba = DynamicImage::ImageRgba8(RgbaImage::from_fn(width, height, pixel));
        let image = if alpha == 255 { DynamicImage::ImageRgb8(rgba.into_rgb8()) } else { rgba };
        let mut bytes = Vec::new();
        image.write_to(&mut Cursor::new(&mut bytes), format).unwrap();
        bytes
    }

    /// A JPEG whose EXIF says that it lies on its side, and where it was taken.
    fn photograph() -> Vec<u8> {
        let mut jpeg = file(60, 20, 255, ImageFormat::Jpeg);
        let mut exif = b"Exif\0\0MM\0*\0\0\0\x08\0\x01".to_vec();
        exif.extend(b"\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0");
        exif.extend(b"GPS 52.5200 13.4050");
        let length = u16::try_from(exif.len() + 2).unwrap().to_be_bytes();
        let segment = [b"\xff\xe1".as_slice(), &length, &exif].concat();
        jpeg.splice(2..2, segment);
        jpeg
    }

    fn holds(bytes: &[u8], needle: &[u8]) -> bool {
        bytes.windows(needle.len()).any(|window| window == needle)
    }

    #[test]
    fn a_photograph_is_upright_and_tells_no_place() {
        let photograph = photograph();
        assert!(holds(&photograph, b"GPS"));
        let picture = make(&photograph).unwrap();
        assert_eq!((picture.width, picture.height), (20, 60));
        assert_eq!(picture.full.media_type, "image/jpeg");
        assert!(!holds(&picture.full.bytes, b"GPS") && !holds(&picture.full.bytes, b"Exif"));
        assert!(picture.thumbnail.is_none());
    }

    #[test]
    fn what_is_hidden_behind_a_picture_is_gone() {
        let mut png = file(8, 8, 255, ImageFormat::Png);
        png.extend(b"PK\x03\x04<script>alert(1)</script>");
        let picture = make(&png).unwrap();
        assert_eq!(picture.full.media_type, "image/png");
        assert!(!holds(&picture.full.bytes, b"script"));
    }

    #[test]
    fn a_large_picture_has_a_thumbnail_of_the_same_shape() {
        let picture = make(&file(1200, 600, 255, ImageFormat::Png)).unwrap();
        let thumbnail = make(&picture.thumbnail.unwrap().bytes).unwrap();
        assert_eq!((thumbnail.width, thumbnail.height), (480, 240));
    }

    #[test]
    fn transparency_stays_and_webp_without_it_becomes_jpeg() {
        let see_through = make(&file(600, 9, 128, ImageFormat::WebP)).unwrap();
        assert_eq!(see_through.full.media_type, "image/webp");
        assert_eq!(see_through.thumbnail.unwrap().media_type, "image/webp");
        let opaque = make(&file(9, 9, 255, ImageFormat::WebP)).unwrap();
        assert_eq!(opaque.full.media_type, "image/jpeg");
    }

    #[test]
    fn an_animation_keeps_its_frames_and_loses_its_comments() {
        let mut gif = Vec::new();
        let mut encoder = GifEncoder::new(&mut gif);
        for shade in [0, 120, 240] {
            let still = RgbaImage::from_pixel(16, 16, Rgba([shade, 0, 0, 255]));
            encoder.encode_frame(Frame::new(still)).unwrap();
        }
        drop(encoder);
        // A comment before the trailer.
        let end = gif.len() - 1;
        gif.splice(end..end, *b"\x21\xfe\x06secret\0");
        let picture = make(&gif).unwrap();
        assert_eq!(picture.full.media_type, "image/gif");
        assert!(!holds(&picture.full.bytes, b"secret"));
        let decoder = GifDecoder::new(Cursor::new(&picture.full.bytes)).unwrap();
        assert_eq!(decoder.into_frames().collect_frames().unwrap().len(), 3);
    }

    #[test]
    fn a_picture_that_claims_to_be_huge_is_not_unpacked() {
        let mut png = file(8, 8, 255, ImageFormat::Png);
        // Width and height stand in the first chunk, before its checksum.
        png[16..20].copy_from_slice(&60_000_u32.to_be_bytes());
        png[20..24].copy_from_slice(&60_000_u32.to_be_bytes());
        let crc = crc32(&png[12..29]).to_be_bytes();
        png[29..33].copy_from_slice(&crc);
        assert_eq!(make(&png).unwrap_err(), MediaError::TooLarge);
    }

    #[test]
    fn a_webp_that_claims_to_be_huge_is_not_unpacked() {
        let mut webp = b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0".to_vec();
        webp.extend([0xff, 0x3f, 0, 0xff, 0x3f, 0]);
        webp.extend(b"VP8L\0\0\0\0");
        assert!(make(&webp).is_err());
    }

    #[test]
    fn a_broken_picture_is_none() {
        let whole = file(64, 64, 255, ImageFormat::Png);
        assert_eq!(make(&whole[..whole.len() / 2]).unwrap_err(), MediaError::Unreadable);
        assert_eq!(make(b"words").unwrap_err(), MediaError::Unreadable);
        assert_eq!(make(b"").unwrap_err(), MediaError::Unreadable);
    }

    fn crc32(bytes: &[u8]) -> u32 {
        !bytes.iter().fold(u32::MAX, |crc, byte| {
            (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 }
            })
        })
    }
}
