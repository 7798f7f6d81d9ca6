//! The tables agree with each other.

use std::collections::HashSet;

use docharbor_wire::shape::{Location, Shape, ShapeKind};
use docharbor_wire::{Operation, exchanges, shapes};

fn shape(name: &str) -> &'static Shape {
    shapes().find(|shape| shape.name == name).unwrap_or_else(|| panic!("{name} is not declared"))
}

#[test]
fn every_shape_is_declared_once_and_so_is_every_shape_it_refers_to() {
    let names: HashSet<_> = shapes().map(|shape| shape.name).collect();
    assert_eq!(names.len(), shapes().count());
    for declared in shapes() {
        match declared.kind {
            ShapeKind::Structure(members) => members.iter().for_each(|m| {
                shape(m.shape);
            }),
            ShapeKind::List { member, .. } => {
                shape(member);
            }
            ShapeKind::Map { key, value, .. } => {
                shape(key);
                shape(value);
            }
            ShapeKind::Text { .. }
            | ShapeKind::Enumeration(_)
            | ShapeKind::Integer(_)
            | ShapeKind::Long(_)
            | ShapeKind::Boolean
            | ShapeKind::Timestamp => {}
        }
    }
}

#[test]
fn every_operation_has_a_decoder() {
    let operations: HashSet<_> = exchanges().map(|exchange| exchange.operation).collect();
    assert_eq!((operations.len(), exchanges().count()), (44, 44));
    for exchange in exchanges() {
        assert_eq!(exchange.request, format!("{}Request", exchange.operation.name()));
        if let Some(response) = exchange.response {
            assert_eq!(response, format!("{}Response", exchange.operation.name()));
        }
    }
}

#[test]
fn a_path_has_a_place_for_every_member_that_travels_in_it_and_no_other() {
    for exchange in exchanges() {
        let ShapeKind::Structure(members) = shape(exchange.request).kind else {
            panic!("{} is not a structure", exchange.request);
        };
        let travelling: HashSet<_> =
            members.iter().filter(|m| m.location == Location::Uri).map(|m| m.name).collect();
        assert_eq!(travelling, places(exchange.operation), "{}", exchange.request);
    }
}

fn places(operation: Operation) -> HashSet<&'static str> {
    operation
        .path()
        .split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .collect()
}
