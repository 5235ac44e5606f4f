//! From pixels to bytes.

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::codecs::webp::WebPEncoder;
use image::{DynamicImage, ImageEncoder, ImageResult};

use super::MediaError;

/// JPEG qualities: of a picture that stands for the one that was sent, and of a small one.
const QUALITY: u8 = 90;
const QUALITY_SMALL: u8 = 80;

/// A picture as a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Encoded {
    /// `image/jpeg`, `image/png`, `image/webp` or `image/gif`.
    pub media_type: &'static str,
    /// The file.
    pub bytes: Bytes,
}

/// Writes a picture that came as `media_type` in the same type, as far as that makes sense: WebP can
/// only be written without loss here, which is far larger for a photograph, so that one without
/// transparency becomes a JPEG.
pub(super) fn same_type(
    pixels: &DynamicImage,
    profile: Option<Vec<u8>>,
    media_type: &'static str,
) -> Result<Encoded, MediaError> {
    match media_type {
        "image/png" => encode(pixels, profile, "image/png", QUALITY),
        "image/webp" if pixels.color().has_alpha() => {
            encode(pixels, profile, "image/webp", QUALITY)
        }
        _ => encode(pixels, profile, "image/jpeg", QUALITY),
    }
}

/// Writes a small picture: WebP where it has transparency, else JPEG.
pub(super) fn small(
    pixels: &DynamicImage,
    profile: Option<Vec<u8>>,
) -> Result<Encoded, MediaError> {
    let media_type = if pixels.color().has_alpha() { "image/webp" } else { "image/jpeg" };
    encode(pixels, profile, media_type, QUALITY_SMALL)
}

fn encode(
    pixels: &DynamicImage,
    profile: Option<Vec<u8>>,
    media_type: &'static str,
    quality: u8,
) -> Result<Encoded, MediaError> {
    let mut bytes = Vec::new();
    let written = match media_type {
        "image/png" => write(PngEncoder::new(&mut bytes), pixels, profile),
        "image/webp" => write(WebPEncoder::new_lossless(&mut bytes), pixels, profile),
        _ => write(JpegEncoder::new_with_quality(&mut bytes, quality), pixels, profile),
    };
    // WebP holds 16 383 pixels a side, one less than is read.
    written.map_err(|_| MediaError::TooLarge)?;
    Ok(Encoded { media_type, bytes: bytes.into() })
}

fn write(
    mut encoder: impl ImageEncoder,
    pixels: &DynamicImage,
    profile: Option<Vec<u8>>,
) -> ImageResult<()> {
    if let Some(profile) = profile {
        // An encoder that knows no profiles leaves it out.
        let _ = encoder.set_icc_profile(profile);
    }
    pixels.write_with_encoder(encoder)
}
