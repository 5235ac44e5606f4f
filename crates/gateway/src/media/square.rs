//! Avatars of people and icons of rooms.

use image::DynamicImage;
use image::imageops::FilterType;

use super::encode::{self, Encoded};
use super::{MediaError, decode};

/// Makes squares out of the middle of a picture, one for each of `sides` (pixels), in that order.
/// All are of one type: WebP where the picture has transparency, else JPEG. A smaller picture is
/// enlarged.
///
/// # Errors
/// [`MediaError::Unreadable`] and [`MediaError::TooLarge`].
pub fn make(bytes: &[u8], sides: &[u32]) -> Result<Vec<Encoded>, MediaError> {
    let decoded = decode::decode(bytes)?;
    let middle = middle(&decoded.pixels);
    sides
        .iter()
        .map(|&side| {
            let square = middle.resize_exact(side, side, FilterType::Triangle);
            encode::small(&square, decoded.profile.clone())
        })
        .collect()
}

fn middle(pixels: &DynamicImage) -> DynamicImage {
    let (width, height) = (pixels.width(), pixels.height());
    let side = width.min(height);
    pixels.crop_imm((width - side) / 2, (height - side) / 2, side, side)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{ImageFormat, Rgb, RgbImage};

    use super::*;

    #[test]
    fn squares_are_cut_from_the_middle() {
        // Red, green, blue: a third each.
        let flag = RgbImage::from_fn(90, 30, |x, _| {
            Rgb([[255, 0, 0], [0, 255, 0], [0, 0, 255]][(x / 30) as usize])
        });
        let mut png = Vec::new();
        flag.write_to(&mut Cursor::new(&mut png), ImageFormat::Png).unwrap();
        let squares = make(&png, &[16, 64]).unwrap();
        for (square, side) in squares.iter().zip([16, 64]) {
            assert_eq!(square.media_type, "image/jpeg");
            let pixels = decode::decode(&square.bytes).unwrap().pixels.into_rgb8();
            assert_eq!(pixels.dimensions(), (side, side));
            let Rgb([red, green, blue]) = *pixels.get_pixel(side / 2, side / 2);
            assert!(green > 200 && red < 60 && blue < 60, "{red} {green} {blue}");
        }
    }

    #[test]
    fn what_is_no_picture_makes_no_squares() {
        assert_eq!(make(b"words", &[64]).unwrap_err(), MediaError::Unreadable);
    }
}
