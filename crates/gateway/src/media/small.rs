//! Pictures of other people's pages, small.

use image::imageops::FilterType;

use super::encode::{self, Encoded};
use super::{MediaError, decode};

/// A picture written anew, no larger than it has to be.
#[derive(Debug, Clone)]
pub struct Small {
    /// The picture.
    pub file: Encoded,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}

/// Writes a picture anew with sides of `side` pixels at the most: upright, without metadata, WebP
/// where it has transparency, else JPEG. Of an animation the first frame is kept.
///
/// # Errors
/// [`MediaError::Unreadable`] and [`MediaError::TooLarge`].
pub fn make(bytes: &[u8], side: u32) -> Result<Small, MediaError> {
    let decode::Decoded { mut pixels, profile, .. } = decode::decode(bytes)?;
    if pixels.width() > side || pixels.height() > side {
        pixels = pixels.resize(side, side, FilterType::Triangle);
    }
    let file = encode::small(&pixels, profile)?;
    Ok(Small { file, width: pixels.width(), height: pixels.height() })
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat};

    use super::*;

    fn png(width: u32, height: u32) -> Vec<u8> {
        let mut bytes = Vec::new();
        let image = DynamicImage::new_rgb8(width, height);
        image.write_to(&mut Cursor::new(&mut bytes), ImageFormat::Png).unwrap();
        bytes
    }

    #[test]
    fn a_large_picture_becomes_small_and_a_small_one_stays_so() {
        let large = make(&png(1200, 600), 640).unwrap();
        assert_eq!((large.width, large.height, large.file.media_type), (640, 320, "image/jpeg"));
        let small = make(&png(100, 200), 640).unwrap();
        assert_eq!((small.width, small.height), (100, 200));
    }

    #[test]
    fn what_is_no_picture_is_none() {
        assert_eq!(make(b"<svg/>", 640).unwrap_err(), MediaError::Unreadable);
    }
}
