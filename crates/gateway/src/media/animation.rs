//! Animated pictures, written anew frame by frame: in their own colours and times, without comments
//! and whatever else is between the frames or behind them.

use std::io::Cursor;
use std::num::NonZero;

use gif::{ColorOutput, DecodeOptions, Encoder, MemoryLimit};

use super::MediaError;
use super::decode::DECODED_MAX;

/// Pixels of all frames together, at the most.
const PIXELS_MAX: u64 = 100_000_000;

/// Writes a GIF anew.
pub(super) fn rewrite(bytes: &[u8]) -> Result<Vec<u8>, MediaError> {
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.set_memory_limit(
        NonZero::new(DECODED_MAX).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes),
    );
    let mut decoder = options.read_info(Cursor::new(bytes)).map_err(unreadable)?;
    let (width, height) = (decoder.width(), decoder.height());
    let palette = decoder.global_palette().unwrap_or_default().to_vec();
    let mut encoder =
        Encoder::new(Vec::new(), width, height, &palette).map_err(|_| MediaError::Unreadable)?;
    let (mut pixels, mut frames) = (0_u64, 0_u64);
    while let Some(info) = decoder.next_frame_info().map_err(unreadable)? {
        pixels += u64::from(info.width) * u64::from(info.height);
        frames += 1;
        if pixels > PIXELS_MAX {
            return Err(MediaError::TooLarge);
        }
        let mut frame = info.clone();
        let mut indexes = vec![0; decoder.buffer_size()];
        decoder.read_into_buffer(&mut indexes).map_err(unreadable)?;
        frame.buffer = indexes.into();
        // The lines came in order, whichever way they were written.
        frame.interlaced = false;
        if frames == 1 {
            // What says how often stands before the first frame.
            encoder.set_repeat(decoder.repeat()).map_err(|_| MediaError::Unreadable)?;
        }
        encoder.write_frame(&frame).map_err(|_| MediaError::Unreadable)?;
    }
    if frames == 0 {
        return Err(MediaError::Unreadable);
    }
    encoder.into_inner().map_err(|_| MediaError::Unreadable)
}

fn unreadable(_: gif::DecodingError) -> MediaError {
    MediaError::Unreadable
}
