//! Pictures of 8-bit red, green and blue: PNG outside, raw PPM (P6) towards the modules.

use std::io::{BufRead, Seek, Write};

use png::{BitDepth, ColorType, Transformations};

/// Larger pictures are refused, so that a header that lies cannot make the tool ask for all memory.
const MAX_PIXELS: u64 = 1 << 27;

/// A picture in memory, row by row, three bytes a pixel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    pub width: u32,
    pub height: u32,
    pub rgb: Vec<u8>,
}

impl Picture {
    /// Reads any PNG; grey becomes equal parts of the three colours, and what is transparent is laid on white.
    pub fn from_png(input: impl BufRead + Seek) -> Result<Self, String> {
        let text = |error: png::DecodingError| error.to_string();
        let mut decoder = png::Decoder::new(input);
        decoder.set_transformations(Transformations::normalize_to_color8());
        let mut reader = decoder.read_info().map_err(text)?;
        let (width, height) = (reader.info().width, reader.info().height);
        if u64::from(width) * u64::from(height) > MAX_PIXELS {
            return Err(format!("{width} × {height} pixels are too many, {MAX_PIXELS} is the most"));
        }
        let size = reader.output_buffer_size().ok_or("it is too large for this machine")?;
        let mut samples = vec![0; size];
        let frame = reader.next_frame(&mut samples).map_err(text)?;
        // Reading to the end finds what is cut off after the pixels.
        reader.finish().map_err(text)?;
        samples.truncate(frame.buffer_size());
        if frame.bit_depth != BitDepth::Eight {
            return Err(format!("its samples have {:?} bits after conversion to 8", frame.bit_depth));
        }
        let on_white = |value: u8, alpha: u8| {
            let alpha = u16::from(alpha);
            // At most 255 × 255 / 255, so it fits; the 127 rounds to the nearest.
            ((u16::from(value) * alpha + 255 * (255 - alpha) + 127) / 255) as u8
        };
        let rgb = match frame.color_type {
            ColorType::Rgb => samples,
            ColorType::Rgba => {
                samples.chunks_exact(4).flat_map(|p| [p[0], p[1], p[2]].map(|v| on_white(v, p[3]))).collect()
            }
            ColorType::Grayscale => samples.iter().flat_map(|&v| [v; 3]).collect(),
            ColorType::GrayscaleAlpha => {
                samples.chunks_exact(2).flat_map(|p| [on_white(p[0], p[1]); 3]).collect()
            }
            ColorType::Indexed => return Err("its palette was not expanded".to_owned()),
        };
        Ok(Self { width, height, rgb })
    }

    /// Writes the picture as PNG; fast rather than small, since blurred photographs hardly shrink.
    pub fn write_png(&self, output: impl Write) -> Result<(), png::EncodingError> {
        let mut encoder = png::Encoder::new(output, self.width, self.height);
        encoder.set_color(ColorType::Rgb);
        encoder.set_depth(BitDepth::Eight);
        encoder.set_compression(png::Compression::Fast);
        let mut writer = encoder.write_header()?;
        writer.write_image_data(&self.rgb)?;
        writer.finish()
    }

    /// The picture as a raw PPM file.
    pub fn to_ppm(&self) -> Vec<u8> {
        let mut ppm = format!("P6\n{} {}\n255\n", self.width, self.height).into_bytes();
        ppm.extend_from_slice(&self.rgb);
        ppm
    }

    /// Reads a raw PPM file as a module wrote it.
    pub fn from_ppm(ppm: &[u8]) -> Result<Self, String> {
        let mut rest = ppm.strip_prefix(b"P6").ok_or("it does not begin with P6")?;
        let mut numbers = [0u32; 3];
        for number in &mut numbers {
            rest = skip_blank(rest);
            let digits = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
            *number = std::str::from_utf8(&rest[..digits])
                .ok()
                .and_then(|text| text.parse().ok())
                .ok_or("its header lacks a width, a height or a greatest value")?;
            rest = &rest[digits..];
        }
        let [width, height, greatest] = numbers;
        if greatest != 255 {
            return Err(format!("its greatest value is {greatest}, not 255"));
        }
        // One byte of white space ends the header.
        let rgb = rest.get(1..).unwrap_or_default();
        // Two 32-bit numbers times 3 can exceed 64 bits.
        let expected = u128::from(width) * u128::from(height) * 3;
        if rgb.len() as u128 != expected || expected == 0 {
            return Err(format!("{width} × {height} pixels are {expected} bytes, but it has {}", rgb.len()));
        }
        Ok(Self { width, height, rgb: rgb.to_vec() })
    }

    /// The picture with each pixel repeated `times` in both directions.
    pub fn enlarge(&self, times: u32) -> Self {
        let repeat = times as usize;
        let mut rgb = Vec::with_capacity(self.rgb.len() * repeat * repeat);
        for row in self.rgb.chunks_exact(self.width as usize * 3) {
            let wide: Vec<u8> = row
                .chunks_exact(3)
                .flat_map(|pixel| std::iter::repeat_n(pixel, repeat))
                .flatten()
                .copied()
                .collect();
            for _ in 0..repeat {
                rgb.extend_from_slice(&wide);
            }
        }
        Self { width: self.width * times, height: self.height * times, rgb }
    }
}

/// What follows white space and comments, which run from `#` to the end of the line.
fn skip_blank(mut text: &[u8]) -> &[u8] {
    loop {
        text = text.trim_ascii_start();
        if text.first() != Some(&b'#') {
            return text;
        }
        let comment = text.iter().take_while(|&&byte| byte != b'\n').count();
        text = &text[comment..];
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn two_by_one() -> Picture {
        Picture { width: 2, height: 1, rgb: vec![1, 2, 3, 200, 100, 0] }
    }

    fn png_of(color: ColorType, depth: BitDepth, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 2, 1);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(vec![9, 8, 7, 6, 5, 4]);
        }
        encoder.write_header().unwrap().write_image_data(data).unwrap();
        bytes
    }

    #[test]
    fn a_picture_survives_png_and_ppm() {
        let picture = two_by_one();
        let mut bytes = Vec::new();
        picture.write_png(&mut bytes).unwrap();
        assert_eq!(Picture::from_png(Cursor::new(bytes)).unwrap(), picture);
        assert_eq!(Picture::from_ppm(&picture.to_ppm()).unwrap(), picture);
    }

    #[test]
    fn every_kind_of_png_becomes_eight_bit_colour() {
        let read = |color, depth, data: &[u8]| {
            Picture::from_png(Cursor::new(png_of(color, depth, data))).unwrap().rgb
        };
        assert_eq!(read(ColorType::Grayscale, BitDepth::Eight, &[7, 9]), [7, 7, 7, 9, 9, 9]);
        assert_eq!(read(ColorType::Grayscale, BitDepth::One, &[0b1000_0000]), [255, 255, 255, 0, 0, 0]);
        assert_eq!(read(ColorType::Grayscale, BitDepth::Sixteen, &[7, 1, 9, 1]), [7, 7, 7, 9, 9, 9]);
        assert_eq!(
            read(ColorType::GrayscaleAlpha, BitDepth::Eight, &[7, 255, 9, 0]),
            [7, 7, 7, 255, 255, 255]
        );
        assert_eq!(
            read(ColorType::Rgba, BitDepth::Eight, &[1, 2, 3, 255, 1, 2, 3, 0]),
            [1, 2, 3, 255, 255, 255]
        );
        assert_eq!(read(ColorType::Indexed, BitDepth::Eight, &[1, 0]), [6, 5, 4, 9, 8, 7]);
    }

    #[test]
    fn a_png_cut_off_anywhere_is_an_error() {
        let mut bytes = Vec::new();
        two_by_one().write_png(&mut bytes).unwrap();
        for length in 0..bytes.len() {
            assert!(Picture::from_png(Cursor::new(&bytes[..length])).is_err(), "the first {length} bytes");
        }
    }

    #[test]
    fn a_png_that_claims_to_be_huge_is_refused_before_memory_is_asked_for() {
        let mut bytes = Vec::new();
        let mut writer = png::Encoder::new(&mut bytes, 1 << 20, 1 << 20).write_header().unwrap();
        // The header and the begin of the pixels; the rest is missing.
        writer.write_chunk(png::chunk::IDAT, b"x").unwrap();
        drop(writer);
        let message = Picture::from_png(Cursor::new(bytes)).unwrap_err();
        assert!(message.contains("too many"), "{message}");
    }

    #[test]
    fn a_ppm_may_hold_comments_and_must_be_whole() {
        let ppm = b"P6 # by hand\n# twice\n1 1\n255\nabc";
        assert_eq!(Picture::from_ppm(ppm).unwrap().rgb, b"abc");
        for bad in
            [&b""[..], b"P6", b"P5 1 1 255 abc", b"P6 1 1 65535 abcdef", b"P6 1 1 255 ab", b"P6 0 1 255 "]
        {
            assert!(Picture::from_ppm(bad).is_err(), "{}", String::from_utf8_lossy(bad));
        }
        assert!(Picture::from_ppm(b"P6 4294967295 4294967295 255 abc").is_err());
    }

    #[test]
    fn enlarging_repeats_pixels_in_both_directions() {
        let large = two_by_one().enlarge(2);
        assert_eq!((large.width, large.height), (4, 2));
        let row = [1, 2, 3, 1, 2, 3, 200, 100, 0, 200, 100, 0];
        assert_eq!(large.rgb, [row, row].concat());
    }
}
