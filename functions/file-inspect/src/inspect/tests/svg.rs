use domain::file::Rejection;

use super::{inspected_as, utf16};

fn inspected(svg: &[u8]) -> Result<(), Rejection> {
    inspected_as("image/svg+xml", svg)
}

/// An SVG with this inside.
fn with(inner: &str) -> String {
    let namespaces = "xmlns=\"http://www.w3.org/2000/svg\" xmlns:xlink=\"http://www.w3.org/1999/xlink\"";
    format!("<svg {namespaces}>{inner}</svg>")
}

#[test]
fn svg_drawings_without_active_content_are_accepted() {
    let pixel = "data:image/png;base64,iVBORw0KGgo=";
    let ink = "xmlns:i=\"http://www.inkscape.org/namespaces/inkscape\"";
    for inner in [
        String::new(),
        "<defs><linearGradient id=\"g\"/></defs><rect fill=\"url(#g)\"/>".to_owned(),
        "<use xlink:href=\"#g\"/><use href=\"#g\"/><a href=\"\"/>".to_owned(),
        format!("<image href=\"{pixel}\"/>"),
        "<style><![CDATA[ /* ours */ .a > .b { fill: url( '#g' ) } ]]></style>".to_owned(),
        "<text>javascript: url(http://a) &lt;script&gt; onload=</text>".to_owned(),
        format!("<g {ink} i:export-filename=\"C:\\a.png\" i:label=\"b\"/>"),
        "<animate attributeName=\"opacity\" from=\"0\" to=\"1\"/>".to_owned(),
        "<?xpacket begin='a'?><!-- script -->".to_owned(),
    ] {
        assert_eq!(inspected(with(&inner).as_bytes()), Ok(()), "{inner}");
    }
    let dtd = "<!DOCTYPE svg PUBLIC \"-//W3C//DTD SVG 1.1//EN\" \"http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd\">";
    let old = format!("\u{feff}<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"no\"?>\n{dtd}\n{}", with(""));
    assert_eq!(inspected(old.as_bytes()), Ok(()));
    let wide = format!("<?xml version=\"1.0\" encoding=\"UTF-16\"?>{}", with("<g/>"));
    assert_eq!(inspected(&utf16(&wide, true, true)), Ok(()));
}

#[test]
fn scripts_external_resources_and_links_are_rejected() {
    for inner in [
        "<script>alert(1)</script>",
        "<SCRIPT/>",
        "<x:script xmlns:x=\"http://www.w3.org/2000/svg\"/>",
        "<script xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        "<b xmlns=\"http://www.w3.org/1999/xhtml\"/>",
        "<b xmlns=\"\"/>",
        "<foreignObject/>",
        "<g onload=\"alert(1)\"/>",
        "<g ONCLICK=\"alert(1)\"/>",
        "<a href=\"javascript:alert(1)\"/>",
        "<a href=\"&#x6a;avascript:alert(1)\"/>",
        "<a xlink:href=\"https://example.com\"/>",
        "<image href=\"http://example.com/a.png\"/>",
        "<image href=\"//example.com/a.png\"/>",
        "<image href=\"data:image/svg+xml;base64,AA==\"/>",
        "<use href=\"a.svg#b\"/>",
        "<use href=\"data:text/html,a\"/>",
        "<g xml:base=\"http://example.com/\"/>",
        "<rect fill=\"url(http://example.com/a)\"/>",
        "<rect style=\"fill: URL( 'http://example.com/a')\"/>",
        "<rect style=\"fill: u\\72l(http://example.com/a)\"/>",
        "<style>@import 'http://example.com/a.css';</style>",
        "<style>a { b: url(#a) } c { d: url(\"//example.com\") }</style>",
        "<style><![CDATA[@import \"a\";]]></style>",
        "<set attributeName=\"onclick\" to=\"alert(1)\"/>",
        "<animate attributeName=\"xlink:href\" values=\"javascript:alert(1)\"/>",
        "<iframe/>",
        "<?xml-stylesheet href=\"a.xsl\"?>",
    ] {
        assert_eq!(inspected(with(inner).as_bytes()), Err(Rejection::ActiveContent), "{inner}");
    }
    let root = "<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>";
    assert_eq!(inspected(root.as_bytes()), Err(Rejection::ActiveContent));
    assert_eq!(inspected(&utf16(&with("<script/>"), false, true)), Err(Rejection::ActiveContent));
}

#[test]
fn dtd_declarations_are_rejected() {
    for declaration in [
        "<!ENTITY a \"b\">",
        "<!ENTITY a SYSTEM \"file:///etc/passwd\">",
        "<!ENTITY % a \"b\">",
        "<!ATTLIST svg onload CDATA \"alert(1)\">",
    ] {
        let svg = format!("<!DOCTYPE svg [{declaration}]>{}", with(""));
        assert_eq!(inspected(svg.as_bytes()), Err(Rejection::ActiveContent), "{declaration}");
    }
}

#[test]
fn unparsable_or_too_large_svg_counts_as_active_content() {
    let many = with(&"<g/>".repeat(200_000));
    let large = with(&" ".repeat(4 * 1024 * 1024));
    for svg in [
        "<svg xmlns=\"http://www.w3.org/2000/svg\">",
        "<svg xmlns=\"http://www.w3.org/2000/svg\"><g></svg>",
        "<?xml version=\"1.0\" encoding=\"UTF-7\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        "<?xml version=\"1.0\" encoding=\"utf-16\"?><svg xmlns=\"http://www.w3.org/2000/svg\"/>",
        &many,
        &large,
    ] {
        assert_eq!(inspected(svg.as_bytes()), Err(Rejection::ActiveContent), "{svg:.100}");
    }
    let latin = [with("").as_bytes(), b"<!-- \xe9 -->"].concat();
    assert_eq!(inspected(&latin), Err(Rejection::ActiveContent));
}

#[test]
fn other_xml_documents_are_rejected_as_svg() {
    for other in
        ["<svg/>", "<a xmlns=\"http://www.w3.org/2000/svg\"/>", "<html xmlns=\"http://www.w3.org/1999/xhtml\"/>"]
    {
        assert_eq!(inspected(other.as_bytes()), Err(Rejection::TypeMismatch), "{other}");
    }
}

#[test]
fn deeply_nested_svg_is_accepted() {
    let deep = with(&["<g>".repeat(90_000), "</g>".repeat(90_000)].concat());
    assert_eq!(inspected(deep.as_bytes()), Ok(()));
}
