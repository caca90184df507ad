//! How a shop shows itself to its buyers: name, logo, color, language, addresses.

use crate::{
    language::{self, Language},
    zone::Zone,
};

/// Longest logo, in bytes: it is sent with pages and mails.
const LOGO_BYTES_MAX: usize = 200 * 1_024;
/// Longest name, in characters.
const NAME_MAX: usize = 80;
/// Contrast between text and what is behind it (WCAG 2, AA).
const CONTRAST: f64 = 4.5;

/// Why a part of a brand cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BrandMistake {
    /// Empty, too long, or with control characters.
    #[error("write a name of 1 to {NAME_MAX} characters on one line")]
    Name,
    /// Not a color.
    #[error("write a color as #2f4fd0: a number sign and six hex digits")]
    Color,
    /// Not a language that is spoken here.
    #[error("pages and mails are written in: en, de")]
    Language,
    /// Not a time zone.
    #[error("write a time zone, as Europe/Vienna or +02:00")]
    TimeZone,
    /// Not a web address.
    #[error("write it as https://shop.example.com")]
    Url,
    /// Not a mail address.
    #[error("write a mail address, as help@example.com")]
    Support,
    /// Too long for a logo.
    #[error("the picture has {0} bytes: a logo may have {LOGO_BYTES_MAX}")]
    LogoTooLong(usize),
    /// Not a picture that browsers show.
    #[error("this is not a picture: take a PNG, JPEG, WebP or SVG")]
    Logo,
}

/// A picture.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Logo {
    pub(crate) bytes: Vec<u8>,
    /// Its media type, by its first bytes.
    pub(crate) media: &'static str,
}

impl std::fmt::Debug for Logo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {} bytes", self.media, self.bytes.len())
    }
}

/// A color, red, green, blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Color([u8; 3]);

/// How a shop shows itself. What is not set is left out.
#[derive(Debug, Clone, Default)]
pub struct Brand {
    pub(crate) name: Option<String>,
    pub(crate) logo: Option<Logo>,
    pub(crate) color: Option<Color>,
    pub(crate) language: Option<&'static Language>,
    pub(crate) url: Option<String>,
    pub(crate) support: Option<String>,
    pub(crate) time_zone: Option<Zone>,
}

impl Brand {
    /// The shop's name.
    ///
    /// # Errors
    /// When it is none.
    pub fn name(mut self, name: &str) -> Result<Self, BrandMistake> {
        let name = name.trim();
        let fits = (1..=NAME_MAX).contains(&name.chars().count());
        if !fits || name.chars().any(char::is_control) {
            return Err(BrandMistake::Name);
        }
        self.name = Some(name.to_owned());
        Ok(self)
    }

    /// The shop's logo: a PNG, JPEG, WebP or SVG of at most 200 KB.
    ///
    /// # Errors
    /// When it is something else, or too long.
    pub fn logo(mut self, bytes: Vec<u8>) -> Result<Self, BrandMistake> {
        if bytes.len() > LOGO_BYTES_MAX {
            return Err(BrandMistake::LogoTooLong(bytes.len()));
        }
        let media = media(&bytes).ok_or(BrandMistake::Logo)?;
        self.logo = Some(Logo { bytes, media });
        Ok(self)
    }

    /// The color of buttons and links, as `#2f4fd0`. What is written on it, and how it is shaded on
    /// light and dark pages, follows from it, so that everybody can read it.
    ///
    /// # Errors
    /// When it is no color.
    pub fn color(mut self, color: &str) -> Result<Self, BrandMistake> {
        self.color = Some(Color::parse(color).ok_or(BrandMistake::Color)?);
        Ok(self)
    }

    /// What buyers are spoken to in whose own language is not known: `en` or `de`.
    ///
    /// # Errors
    /// When it is not spoken here.
    pub fn language(mut self, name: &str) -> Result<Self, BrandMistake> {
        self.language = Some(language::named(name).ok_or(BrandMistake::Language)?);
        Ok(self)
    }

    /// Where the shop is: with whose midnight the days begin that the dashboard, reports and the daily
    /// summary count. Without it the summary's time zone is taken, or else UTC.
    ///
    /// # Errors
    /// When it is no time zone.
    pub fn time_zone(mut self, name: &str) -> Result<Self, BrandMistake> {
        self.time_zone = Some(Zone::parse(name.trim()).ok_or(BrandMistake::TimeZone)?);
        Ok(self)
    }

    /// The time zone that counts.
    pub(crate) fn zone(&self) -> Zone {
        self.time_zone.clone().unwrap_or_default()
    }

    /// The shop's own pages.
    ///
    /// # Errors
    /// When it is not a web address.
    pub fn url(mut self, url: &str) -> Result<Self, BrandMistake> {
        let good = fulfill_rules::place::web_address(url).ok_or(BrandMistake::Url)?;
        self.url = Some(good.to_owned());
        Ok(self)
    }

    /// Whom buyers may write to.
    ///
    /// # Errors
    /// When it is not a mail address.
    pub fn support(mut self, address: &str) -> Result<Self, BrandMistake> {
        let address: lettre::Address = address.trim().parse().map_err(|_| BrandMistake::Support)?;
        let address = address.to_string();
        // It becomes a link: what has a meaning there is no part of it.
        if !address.chars().all(|c| c.is_alphanumeric() || "@.-_+".contains(c)) {
            return Err(BrandMistake::Support);
        }
        self.support = Some(address);
        Ok(self)
    }
}

/// A picture's media type, by its first bytes: names of files say nothing.
fn media(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0x89, b'P', b'N', b'G', 0x0d, 0x0a, 0x1a, 0x0a, ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => {
            let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
            let drawn =
                text.starts_with("<svg") || text.starts_with("<?xml") && text.contains("<svg");
            drawn.then_some("image/svg+xml")
        }
    }
}

impl Color {
    pub(crate) const WHITE: Self = Self([255; 3]);
    pub(crate) const BLACK: Self = Self([0; 3]);

    /// `#rrggbb`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let digits = text.trim().strip_prefix('#').filter(|digits| digits.len() == 6)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let number = u32::from_str_radix(digits, 16).ok()?;
        let [_, red, green, blue] = number.to_be_bytes();
        Some(Self([red, green, blue]))
    }

    /// `#rrggbb`.
    pub(crate) fn hex(self) -> String {
        let [red, green, blue] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    /// Black or white, whichever is better read on this color.
    pub(crate) fn text_on(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) {
            Self::WHITE
        } else {
            Self::BLACK
        }
    }

    /// This color, moved as little as it takes towards black or white to be read on `paper`.
    pub(crate) fn readable_on(self, paper: Self) -> Self {
        let end = paper.text_on();
        let step = |n: u16| {
            let mix = |(from, to): (u8, u8)| {
                let sum = u16::from(from) * (20 - n) + u16::from(to) * n;
                u8::try_from(sum / 20).unwrap_or(u8::MAX)
            };
            let [a, b, c] = self.0;
            let [x, y, z] = end.0;
            Self([mix((a, x)), mix((b, y)), mix((c, z))])
        };
        (0..=20).map(step).find(|color| color.contrast(paper) >= CONTRAST).unwrap_or(end)
    }

    /// WCAG 2's contrast ratio, 1 to 21.
    fn contrast(self, other: Self) -> f64 {
        let (a, b) = (self.luminance(), other.luminance());
        (a.max(b) + 0.05) / (a.min(b) + 0.05)
    }

    fn luminance(self) -> f64 {
        let linear = |byte: u8| {
            let c = f64::from(byte) / 255.0;
            if c <= 0.040_45 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
        };
        let [red, green, blue] = self.0.map(linear);
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colors_are_read_and_everything_on_them_can_be() {
        for bad in ["", "2f4fd0", "#2f4fd", "#2f4fd0a", "#2f4fdg", "red", "#+f4fd0", "#é123"] {
            assert_eq!(Color::parse(bad), None, "{bad}");
        }
        let dark = Color::parse("#1b2029").unwrap();
        for text in ["#000000", "#ffffff", "#2f4fd0", "#ffdd00", "#777777", "#FF0000", "#00ff88"] {
            let color = Color::parse(text).unwrap();
            assert_eq!(color.hex(), text.to_lowercase());
            assert!(color.contrast(color.text_on()) >= CONTRAST, "{text}");
            for paper in [Color::WHITE, dark] {
                assert!(color.readable_on(paper).contrast(paper) >= CONTRAST, "{text}");
            }
        }
        let blue = Color::parse("#2f4fd0").unwrap();
        assert_eq!(blue.readable_on(Color::WHITE), blue, "what can be read stays as it is");
        assert!((Color::WHITE.contrast(Color::BLACK) - 21.0).abs() < 0.01);
    }

    #[test]
    fn a_logo_is_known_by_its_first_bytes() {
        let logo =
            |bytes: &[u8]| Brand::default().logo(bytes.to_vec()).map(|b| b.logo.unwrap().media);
        assert_eq!(logo(b"\x89PNG\r\n\x1a\nrest"), Ok("image/png"));
        assert_eq!(logo(b"\xff\xd8\xff\xe0rest"), Ok("image/jpeg"));
        assert_eq!(logo(b"RIFF1234WEBPrest"), Ok("image/webp"));
        assert_eq!(logo(b"\n <svg xmlns=\"x\"/>"), Ok("image/svg+xml"));
        assert_eq!(logo(b"<?xml version=\"1.0\"?><svg/>"), Ok("image/svg+xml"));
        for bad in [&b"<html>"[..], b"", b"GIF89a", b"\xff\xfe<svg"] {
            assert_eq!(logo(bad), Err(BrandMistake::Logo));
        }
        let long = [&b"\x89PNG\r\n\x1a\n"[..], &vec![0; LOGO_BYTES_MAX]].concat();
        assert_eq!(logo(&long), Err(BrandMistake::LogoTooLong(LOGO_BYTES_MAX + 8)));
    }

    #[test]
    fn names_and_addresses_are_what_they_say() {
        let brand = || Brand::default();
        for bad in ["", "  ", "a\nb", &"x".repeat(81)] {
            assert_eq!(brand().name(bad).unwrap_err(), BrandMistake::Name);
        }
        assert_eq!(brand().name(" Tea & Co ").unwrap().name.as_deref(), Some("Tea & Co"));
        for bad in ["javascript:alert(1)", "shop", "data:text/html,x", "ftp://x.example"] {
            assert_eq!(brand().url(bad).unwrap_err(), BrandMistake::Url, "{bad}");
        }
        for bad in [
            "help",
            "a%b@c.example",
            "a@b\r\nBcc: c@d.example",
            "<a@b.example>",
            "a@b.example?cc=x",
        ] {
            assert_eq!(brand().support(bad).unwrap_err(), BrandMistake::Support, "{bad}");
        }
        assert_eq!(brand().language("tlh").unwrap_err(), BrandMistake::Language);
        assert_eq!(brand().language("de-AT").unwrap().language.unwrap().tag, "de");
    }
}
