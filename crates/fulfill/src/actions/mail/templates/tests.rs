use super::*;
use crate::actions::mail::{
    letter::{Letter, Shop},
    samples,
};
use fulfill_rules::{notice, place::Effect};

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

/// The mistakes of a folder, its own path left out.
fn mistakes(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let found = Templates::of_folder(folder.path())
        .and_then(|templates| samples::all(&Shop { templates, ..Shop::default() }).map(|_| ()));
    let found = found.err().unwrap_or_default();
    let found: Vec<String> = found.iter().map(ToString::to_string).collect();
    found.join("\n").replace(&format!("{}/", folder.path().display()), "")
}

fn receipt(files: &[(&str, &str)]) -> Letter {
    let folder = folder(files);
    let shop = Shop {
        templates: Templates::of_folder(folder.path()).unwrap(),
        language: words::named("en"),
        ..Shop::default()
    };
    Letter::write(notice::RECEIPT, &samples::order(), &BTreeMap::new(), &shop).unwrap()
}

#[test]
fn a_merchants_words_take_the_place_of_the_built_in_ones() {
    let letter = receipt(&[
        ("en/receipt.subject", "Hooray, {{ hello }}\n"),
        (
            "en/receipt.txt",
            "{% extends 'layout.txt' %}{% block text %}{% include 'thanks.txt' %}{% endblock %}",
        ),
        ("thanks.txt", "A thousand thanks."),
        (
            "layout.html",
            "{% extends 'built-in/layout.html' %}{% block footer %}<p>The band</p>{% endblock %}",
        ),
        ("notes.md", "{{ not a template"),
        (".hidden.txt", "{{ not a template"),
    ]);
    assert_eq!(letter.subject, "Hooray, Hello Ann Smith,");
    assert!(letter.text.contains("A thousand thanks.") && letter.text.contains("Total: €1,238.50"));
    assert!(letter.html.contains("<p>The band</p>") && letter.html.contains("Here is what you"));
    assert!(!letter.html.contains("This mail was sent automatically"));
}

#[test]
fn blocks_of_layouts_further_up_in_others_and_in_comments_are_no_mistakes() {
    let receipt = "{% extends 'mine.txt' %}{# {% block old %} #}{% block text %}{% block inner %}Hi\
                   {% endblock %}{% endblock %}{% block thanks %}T{% endblock thanks %}\
                   {% block footer %}{% raw %}{% block raw %}{% endraw %}{% endblock %}";
    let mine = "{% extends 'layout.txt' %}{% block details %}{% block thanks %}{% endblock %}\
                {% endblock %}";
    assert_eq!(mistakes(&[("en/receipt.txt", receipt), ("mine.txt", mine)]), "");
}

#[test]
fn mistakes_are_named_with_their_file_and_line() {
    for (name, text, expected) in [
        (
            "en/receipt.txt",
            "a\nb\n{{ helo }}",
            "en/receipt.txt, line 3: undefined value: `helo` is undefined",
        ),
        (
            "en/receipt.txt",
            "{{ shop.nme }}",
            "en/receipt.txt, line 1: undefined value: `shop.nme` is undefined",
        ),
        (
            "en/receipt.txt",
            "{% extends 'layout.txt' %}\n{% block txt %}Hello{% endblock %}",
            "en/receipt.txt, line 2: layout.txt has no block txt: what stands in it is left out; there are \
             text, details, footer",
        ),
        (
            "en/receipt.html",
            "{%- extends \"layout.html\" -%}{%- block tilte -%}Hello{%- endblock -%}",
            "en/receipt.html, line 1: layout.html has no block tilte",
        ),
        ("de/access.html", "a\n{% if x", "de/access.html, line 2: syntax error"),
        ("de/access.html", "{{ hello|uper }}", "de/access.html, line 1: unknown filter"),
        ("layout.html", "\n\n{{ x }}", "layout.html, line 3: undefined value: `x` is undefined"),
        ("en/recipt.txt", "x", "en/recipt.txt: there is no such mail; there are receipt, access"),
        ("fr/receipt.txt", "x", "fr/receipt.txt: mails are written in en and de, not in fr"),
        ("en/receipt.subject", " \n ", "en/receipt.subject: it writes nothing"),
        ("en/receipt.txt", "{% include '../secret.txt' %}", "template not found"),
        ("en/receipt.txt", "{% include '/etc/passwd' %}", "template not found"),
        (
            "en/receipt.txt",
            "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}",
            "en/receipt.txt, line 1: engine ran out of fuel",
        ),
    ] {
        let said = mistakes(&[(name, text)]);
        assert!(said.contains(expected), "{expected:?} is not in: {said}");
    }
}

#[test]
fn every_mistake_is_named_once_and_all_at_once() {
    let said = mistakes(&[("en/receipt.txt", "{{ a }}"), ("de/shipped.html", "{{ b }}")]);
    assert_eq!(said.lines().count(), 2, "{said}");
}

#[test]
fn a_subject_is_one_line_whatever_its_template_writes() {
    let evil = "Hello\r\nBcc: eve@example.com\n\n{{ '\\r\\nX: y' }}\u{202e}";
    assert_eq!(receipt(&[("en/receipt.subject", evil)]).subject, "Hello Bcc: eve@example.com X: y");
}

#[test]
fn what_is_written_out_is_what_was_sent_before_and_nothing_is_overwritten() {
    let folder = folder(&[("en/receipt.subject", "Mine")]);
    let new = write_templates(folder.path()).unwrap();
    assert_eq!(new, LAYOUTS.len() + words::ALL.len() * KINDS.len() * PARTS.len() - 1);
    assert_eq!(write_templates(folder.path()).unwrap(), 0);
    assert_eq!(fs::read_to_string(folder.path().join("en/receipt.subject")).unwrap(), "Mine");
    fs::remove_file(folder.path().join("en/receipt.subject")).unwrap();
    write_templates(folder.path()).unwrap();
    let templates = Templates::of_folder(folder.path()).unwrap();
    let own = samples::all(&Shop { templates, ..Shop::default() }).unwrap();
    assert_eq!(own, samples::all(&Shop::default()).unwrap());
}

#[test]
fn built_in_words_need_no_escaping() {
    for (name, source) in built_in() {
        if name.ends_with(".html") && name.contains('/') && !name.starts_with(BUILT_IN) {
            let words: String = source.split("%}").map(|p| p.split("{%").next().unwrap()).collect();
            assert!(!words.contains(['<', '>', '&']), "{name}: {words}");
        }
    }
}

#[test]
fn thousands_of_keys_are_still_written() {
    let mut order = samples::order();
    let key = order.effects[1].clone();
    order.effects.extend((3..5_000).map(|unit| Effect { unit, ..key.clone() }));
    let none = BTreeMap::new();
    let letter = Letter::write(notice::ACCESS, &order, &none, &Shop::default()).unwrap();
    assert!(letter.text.lines().count() > 5_000);
}
