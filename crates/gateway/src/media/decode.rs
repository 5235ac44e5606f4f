//! From bytes to pixels, within bounds.

use std::io::Cursor;

use image::codecs::{gif::GifDecoder, jpeg::JpegDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{DynamicImage, ImageDecoder, Limits};

use super::{MediaError, kind};

/// Longest side of a picture, in pixels.
pub(super) const SIDE_MAX: u32 = 16_384;

/// Largest picture once it is decoded, in bytes: 64 million pixels without transparency.
pub(super) const DECODED_MAX: u64 = 192 << 20;

/// Largest colour profile that is kept, in bytes. Those of cameras and screens have a few hundred.
const PROFILE_MAX: usize = 64 * 1024;

/// A picture's pixels, upright.
pub(super) struct Decoded {
    pub(super) pixels: DynamicImage,
    /// The colour profile that says what the pixels mean.
    pub(super) profile: Option<Vec<u8>>,
    /// The media type it came with.
    pub(super) media_type: &'static str,
}

/// Decodes a picture of any of the four types.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded, MediaError> {
    let media_type = kind::sniff(&bytes[..bytes.len().min(kind::HEAD)]);
    let input = Cursor::new(bytes);
    let (pixels, profile) = match media_type {
        "image/png" => pixels(PngDecoder::with_limits(input, limits()).map_err(unreadable)?)?,
        "image/jpeg" => pixels(JpegDecoder::new(input).map_err(unreadable)?)?,
        "image/webp" => pixels(WebPDecoder::new(input).map_err(unreadable)?)?,
        "image/gif" => pixels(GifDecoder::new(input).map_err(unreadable)?)?,
        _ => return Err(MediaError::Unreadable),
    };
    Ok(Decoded { pixels, profile, media_type })
}

fn limits() -> Limits {
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(SIDE_MAX);
    limits.max_image_height = Some(SIDE_MAX);
    limits.max_alloc = Some(DECODED_MAX);
    limits
}

#[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
fn unreadable(error: image::ImageError) -> MediaError {
    match error {
        image::ImageError::Limits(_) => MediaError::TooLarge,
        _ => MediaError::Unreadable,
    }
}

/// The header tells how much the pixels take; only then they are read. Not all decoders keep to a
/// limit of memory by themselves.
fn pixels(mut decoder: impl ImageDecoder) -> Result<(DynamicImage, Option<Vec<u8>>), MediaError> {
    let (width, height) = decoder.dimensions();
    if width > SIDE_MAX || height > SIDE_MAX || decoder.total_bytes() > DECODED_MAX {
        return Err(MediaError::TooLarge);
    }
    decoder.set_limits(limits()).map_err(unreadable)?;
    // Both are beside the picture: one that can't be read is left out.
    let orientation = decoder.orientation().ok();
    let profile = decoder.icc_profile().ok().flatten().filter(|p| p.len() <= PROFILE_MAX);
    let mut pixels = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    if let Some(orientation) = orientation {
        pixels.apply_orientation(orientation);
    }
    // Eight bits a channel are what all encoders take.
    let pixels = if pixels.color().has_alpha() {
        DynamicImage::ImageRgba8(pixels.into_rgba8())
    } else {
        DynamicImage::ImageRgb8(pixels.into_rgb8())
    };
    Ok((pixels, profile))
}
