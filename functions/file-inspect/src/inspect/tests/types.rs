use domain::file::{ContentType, Rejection};

use super::super::needed;
use super::{inspected_as, utf16};

const MISMATCH: Result<(), Rejection> = Err(Rejection::TypeMismatch);

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
const HTML: &[u8] = b"<!DOCTYPE html><script>alert(1)</script>";
const SVG: &[u8] = b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>";

/// Types and bytes that are of them.
const SAMPLES: &[(&str, &[u8])] = &[
    ("image/png", PNG),
    ("image/apng", PNG),
    ("image/jpeg", b"\xff\xd8\xff\xe0\0\x10JFIF\0"),
    ("image/jpg", b"\xff\xd8\xff\xe1\0\x10Exif\0"),
    ("image/gif", b"GIF89a\x01\0\x01\0\0\0\0"),
    ("image/webp", b"RIFF\x24\0\0\0WEBPVP8 "),
    ("image/avif", b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf"),
    ("image/avif", b"\0\0\0\x18ftypmif1\0\0\0\0mif1avif"),
    ("image/heic", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"),
    ("image/heif", b"\0\0\0\x18ftypmif1\0\0\0\0mif1heic"),
    ("image/bmp", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0"),
    ("image/tiff", b"II*\0\x08\0\0\0\x01\0\0\0"),
    ("video/mp4", b"\0\0\0\x18ftypisom\0\0\x02\0isommp42"),
    ("video/quicktime", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
    ("video/quicktime", b"\0\0\0\x08wide\0\0\0\0mdat"),
    ("video/mp4", b"\0\0\0\x14ftypqt  \0\0\0\0qt  "),
    ("audio/mp4", b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42"),
    ("audio/x-m4a", b"\0\0\0\x18ftypM4A \0\0\0\0M4A mp42"),
    ("video/webm", b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01"),
    ("video/x-matroska", b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01"),
    ("audio/ogg", b"OggS\0\x02\0\0\0\0"),
    ("audio/opus", b"OggS\0\x02\0\0\0\0"),
    ("audio/mpeg", b"ID3\x04\0\0\0\0\0\0"),
    ("audio/mp3", b"\xff\xfb\x90\x64\0\0"),
    ("audio/mpeg", b"\xff\xe3\x18\xc4\0\0"),
    ("audio/aac", b"\xff\xf1\x50\x80\0\0"),
    ("audio/aac", b"\xff\xf0\x50\x80\0\0"),
    ("audio/wav", b"RIFF\x24\0\0\0WAVEfmt "),
    ("audio/flac", b"fLaC\0\0\0\x22"),
    ("audio/amr", b"#!AMR\n\x3c\0\0\0\0\0\0"),
    ("application/pdf", b"%PDF-1.7\n"),
    ("application/zip", b"PK\x03\x04\x14\0"),
    ("application/zip", b"PK\x05\x06\0\0\0\0"),
    ("application/vnd.openxmlformats-officedocument.wordprocessingml.document", b"PK\x03\x04\x14\0"),
    ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("application/vnd.ms-excel.sheet.macroenabled.12", b"PK\x03\x04\x14\0"),
    ("application/vnd.oasis.opendocument.text", b"PK\x03\x04\x14\0"),
    ("application/epub+zip", b"PK\x03\x04\x14\0"),
    ("application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
    ("application/vnd.ms-excel", b"a;b;c\n1;2;3\n"),
    ("application/rtf", b"{\\rtf1\\ansi"),
    ("application/gzip", b"\x1f\x8b\x08\0\0\0\0\0"),
    ("application/x-7z-compressed", b"7z\xbc\xaf\x27\x1c"),
    ("application/vnd.rar", b"Rar!\x1a\x07\x01\0"),
    ("font/woff2", b"wOF2\0\x01\0\0"),
    ("text/plain", b"hello"),
    ("text/plain", b"MZ is short for Mozambique"),
    ("text/plain", b"BM and PK and a < b"),
    ("text/plain", b"caf\xe9 in Latin-1"),
    ("text/plain", b"\x1b[31mred\x1b[0m"),
    ("text/plain", b"<someone@example.com> wrote:"),
    ("text/plain", b"#!important"),
    ("text/csv", b"\xef\xbb\xbfa,b\n"),
    ("text/html", HTML),
    ("text/markdown", b"<p align=\"center\">"),
    ("application/xml", b"<?xml version=\"1.0\"?><!-- c --><object/>"),
    ("application/xhtml+xml", b"<html xmlns=\"http://www.w3.org/1999/xhtml\"/>"),
    ("application/json", b"{\"a\": \"<html>\"}"),
    ("text/x-python", b"#!/usr/bin/env python3\n"),
    ("application/x-sh", b"#! /bin/sh\n"),
    ("application/octet-stream", HTML),
    ("application/octet-stream", b"MZ\x90\0\x03\0\0\0"),
    ("application/x-msdownload", b"MZ\x90\0\x03\0\0\0"),
    ("application/x-invented", b"\0\x01\x02\x03"),
    ("model/gltf-binary", b"glTF\x02\0\0\0"),
];

#[test]
fn bytes_of_the_declared_type_are_accepted() {
    for (declared, bytes) in SAMPLES {
        assert_eq!(inspected_as(declared, bytes), Ok(()), "{declared}: {:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn bytes_without_the_signature_of_their_type_are_rejected() {
    for (declared, bytes) in SAMPLES.iter().filter(|(declared, _)| super::super::families::of(declared).is_some()) {
        for other in
            [HTML, SVG, b"#!/bin/sh\n", b"MZ\x90\0\x03\0\0\0", b"\x7fELF\x02\x01\x01\0", b"text", b"", &bytes[1..]]
        {
            assert_eq!(inspected_as(declared, other), MISMATCH, "{declared}: {:?}", String::from_utf8_lossy(other));
        }
    }
}

#[test]
fn bytes_of_another_type_family_are_rejected() {
    let of = |declared: &str| SAMPLES.iter().find(|(sample, _)| *sample == declared).unwrap().1;
    for (declared, other) in [
        ("image/png", "image/jpeg"),
        ("image/gif", "image/png"),
        ("image/avif", "image/heic"),
        ("image/heic", "image/avif"),
        ("image/avif", "video/mp4"),
        ("video/mp4", "image/heic"),
        ("video/mp4", "video/webm"),
        ("video/webm", "audio/ogg"),
        ("audio/mpeg", "audio/aac"),
        ("image/webp", "audio/wav"),
        ("audio/wav", "image/webp"),
        ("application/pdf", "application/zip"),
        ("application/zip", "application/gzip"),
        ("application/vnd.oasis.opendocument.text", "application/msword"),
    ] {
        assert_eq!(inspected_as(declared, of(other)), MISMATCH, "{other} declared as {declared}");
    }
}

#[test]
fn incomplete_signatures_are_rejected() {
    for (declared, bytes) in
        [("image/png", &b"\x89PNG\n\x1a\n"[..]), ("image/gif", b"GIF88a"), ("image/webp", b"RIFX\0\0\0\0WEBP")]
    {
        assert_eq!(inspected_as(declared, bytes), MISMATCH, "{declared}");
    }
    // The type goes with the download, so no browser looks further.
    assert_eq!(inspected_as("image/png", &[PNG, HTML].concat()), Ok(()));
}

/// A tar archive whose first entry has this name.
fn tar(name: &[u8]) -> Vec<u8> {
    let mut archive = vec![0; 512];
    archive[..name.len()].copy_from_slice(name);
    archive[257..262].copy_from_slice(b"ustar");
    archive
}

#[test]
fn marks_count_only_in_their_place() {
    let utf16_page = utf16("<html>", true, true);
    for (declared, bytes) in [
        ("application/pdf", &b"<html>\n%PDF-1.4\n"[..]),
        ("application/pdf", b"plain words, and then\n%PDF-1.4\n"),
        ("application/pdf", b"%PDX-1.4\n%PDF-1.4"),
        ("application/pdf", b"PK\x03\x04\x14\0%PDF-1.4"),
        ("application/zip", b"<html>PK\x03\x04"),
        ("image/bmp", b"BMW and other brands of cars"),
        ("image/bmp", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0<html>"),
        ("audio/mpeg", &utf16_page),
        ("audio/mpeg", &utf16("plain", true, true)),
        ("audio/aac", &utf16_page),
        ("audio/mpeg", b"\xff\xfb\xff\xff"),
        ("video/mp4", b"<a  mdat onload=x>"),
        ("video/mp4", b"<br ftypisom><script>"),
        ("video/quicktime", b"textmoov"),
        ("image/heic", b"#!/bftypheic"),
        ("audio/ogg", b" OggS"),
        ("image/gif", b"\nGIF89a"),
        ("image/jpeg", b"\0\xff\xd8\xff"),
        ("application/x-tar", &tar(b"<html>")),
        ("application/x-tar", &tar(b"#!/bin/sh\n")),
    ] {
        assert_eq!(inspected_as(declared, bytes), MISMATCH, "{declared}: {:?}", String::from_utf8_lossy(bytes));
    }
    for (declared, bytes) in [
        ("application/pdf", &b"\xef\xbb\xbf%PDF-1.4\n"[..]),
        ("application/pdf", b"\r\n \0%PDF-2.0"),
        ("application/x-tar", &tar(b"readme.txt")),
        ("image/bmp", b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0"),
        ("video/mp4", b"\0\0\0\x3cftypisom\0\0\x02\0isommp42"),
        ("audio/mpeg", b"\xff\xfa\x90\x64"),
    ] {
        assert_eq!(inspected_as(declared, bytes), Ok(()), "{declared}: {:?}", String::from_utf8_lossy(bytes));
    }
}

#[test]
fn binary_data_is_rejected_as_text() {
    let mixed = [&b"\xff\xfea\0"[..], b"\0\xd8a\0b\0"].concat();
    for bytes in
        [PNG, b"a\0b", b"\x01", b"\x7fELF\x02\x01\x01\0", &utf16("no mark", true, false), &mixed, b"\xff\xfe\x01\0"]
    {
        for declared in ["text/plain", "text/html", "application/json", "application/ld+json", "image/svg+xml"] {
            assert_eq!(inspected_as(declared, bytes), MISMATCH, "{declared}: {bytes:?}");
        }
    }
    for little in [true, false] {
        let mut text = utf16("Привет 🙂", little, true);
        assert_eq!(inspected_as("text/plain", &text), Ok(()));
        // Cut within a character.
        text.truncate(text.len() - 2);
        assert_eq!(inspected_as("text/plain", &text), Ok(()));
    }
}

#[test]
fn html_svg_and_scripts_are_rejected_under_other_types() {
    let active: &[&[u8]] = &[
        HTML,
        b" \t\r\n\x0c<HTML>",
        b"\xef\xbb\xbf\n<html lang=en>",
        b"<!-- a comment > --><script>",
        b"<!--><script>alert(1)</script> -->",
        b"<!-- a --!><img src=x onerror=alert(1)> -->",
        b"<!-- never ends <html>",
        b"<?xml version=\"1.0\"?>\n<!DOCTYPE a [<!ENTITY b \"c>\">]>\n<x:html xmlns:x=\"http://www.w3.org/1999/xhtml\">",
        b"<iframe/src=x>",
        b"<sCript",
        b"<body\nonload=alert(1)>",
        SVG,
        b"<?xml version=\"1.0\"?><s:svg xmlns:s=\"http://www.w3.org/2000/svg\">",
        b"<?php system('id');",
        b"#!/bin/sh\nrm -r ~",
        b"#! /usr/bin/perl",
    ];
    for page in active {
        let text = String::from_utf8_lossy(page);
        for declared in ["text/plain", "text/csv", "application/json", "image/x-invented", "application/x-invented"] {
            assert_eq!(inspected_as(declared, page), MISMATCH, "{declared}: {text}");
        }
    }
    for little in [true, false] {
        assert_eq!(inspected_as("text/plain", &utf16("<!-- a --><html>", little, true)), MISMATCH);
        assert_eq!(inspected_as("image/x-invented", &utf16("<html>", little, false)), MISMATCH);
    }
    for page in [HTML, b"<?xml version=\"1.0\"?><html>", SVG] {
        assert_eq!(inspected_as("application/xml", page), MISMATCH);
    }
    assert_eq!(inspected_as("text/markdown", SVG), MISMATCH);
    assert_eq!(inspected_as("text/html", b"#!/bin/sh\n"), MISMATCH);
}

#[test]
fn executables_are_rejected_under_other_types() {
    for program in [
        &b"MZ\x90\0\x03\0\0\0"[..],
        b"\x7fELF\x02\x01\x01\0",
        b"\xcf\xfa\xed\xfe\x07\0\0\x01",
        b"\xca\xfe\xba\xbe\0\0\0\x02",
        b"dex\n035\0",
    ] {
        for declared in
            ["text/plain", "image/x-invented", "application/x-invented", "application/vnd.ms-excel", "application/pdf"]
        {
            assert_eq!(inspected_as(declared, program), MISMATCH, "{declared}: {program:?}");
        }
        assert_eq!(inspected_as("application/octet-stream", program), Ok(()));
    }
}

#[test]
fn only_svg_is_inspected_as_a_whole() {
    assert_eq!(needed(&ContentType::parse("application/pdf").unwrap()), 64 * 1024);
    assert_eq!(needed(&ContentType::parse("image/svg+xml").unwrap()), 4 * 1024 * 1024 + 1);
}
