//! How the shop shows itself: `[shop]`.

use std::path::{Path, PathBuf};

use fulfill::{Brand, BrandMistake};

use super::{Given, Need};

/// A longer file is not read: a logo is far smaller.
const LOGO_FILE_BYTES_MAX: u64 = 16 << 20;

impl Given<'_> {
    /// A wish with a mistake is named and left out. Only whoever shows the logo needs its file.
    pub(super) fn shop(&mut self, file: Option<&Path>, need: Need) -> Brand {
        type Wish = fn(Brand, &str) -> Result<Brand, BrandMistake>;
        let wishes: [(&'static str, Wish); 6] = [
            ("shop.name", Brand::name),
            ("shop.color", Brand::color),
            ("shop.language", Brand::language),
            ("shop.url", Brand::url),
            ("shop.support", Brand::support),
            ("shop.time_zone", Brand::time_zone),
        ];
        let mut brand = Brand::default();
        for (name, wish) in wishes {
            let Some((text, place)) = self.text(name) else { continue };
            let wished = wish(brand.clone(), &text);
            let wished = wished.map_err(|mistake| format!("{place} is '{text}': {mistake}"));
            brand = self.mistakes.note(wished).unwrap_or(brand);
        }
        let Some((name, place)) = self.text("shop.logo").filter(|_| need == Need::Service) else {
            return brand;
        };
        let path = self.beside(file, &name);
        let read = read(&path)
            .and_then(|bytes| brand.clone().logo(bytes).map_err(|mistake| mistake.to_string()));
        let read = read.map_err(|why| format!("{place} is '{name}': {why}"));
        self.mistakes.note(read).unwrap_or(brand)
    }

    /// Beside the settings file, or else in the data folder.
    fn beside(&mut self, file: Option<&Path>, name: &str) -> PathBuf {
        let folder = file.and_then(Path::parent).unwrap_or(Path::new(""));
        let beside = folder.join(name);
        if beside.exists() {
            return beside;
        }
        let kept = self.data().join(name);
        if kept.exists() { kept } else { beside }
    }
}

fn read(path: &Path) -> Result<Vec<u8>, String> {
    match std::fs::metadata(path) {
        Ok(about) if about.len() > LOGO_FILE_BYTES_MAX => {
            return Err("this file is too long for a logo".to_owned());
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Err(
                "there is no such file beside the settings or in the data folder".to_owned()
            );
        }
        _ => {}
    }
    std::fs::read(path).map_err(|error| format!("it cannot be read: {error}"))
}
