//! The sandbox, used over HTTP as a merchant's program, a buyer and an endpoint use it.

#![expect(clippy::unwrap_used, reason = "a story that cannot go on ends there")]

mod api;
mod bank;
mod catalog;
mod checkout;
mod controls;
mod data;
mod data_files;
mod deliveries;
mod discounts;
mod disputes;
mod events;
mod faults;
mod links;
mod listeners;
mod lists;
mod look;
mod manners;
mod page;
mod page_fields;
mod page_limits;
mod payment_intents;
mod payment_methods;
mod payment_pages;
mod prices;
mod refunds;
mod shapes;
mod socket;
mod stage;
mod subscriptions;
mod taxes;
mod terms;
mod versions;
mod vouchers;
