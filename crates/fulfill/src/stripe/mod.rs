//! Speaks Stripe.
