//! The names that stand for a known card or account: `pm_card_visa`, `tok_visa`,
//! `pm_usBankAccount_success`.

use crate::{checkout::Means, instruments};

/// What stands after `pm_card_` or `tok_`, and the number.
const CARDS: [(&str, &str); 58] = [
    ("visa", "4242424242424242"),
    ("visa_debit", "4000056655665556"),
    ("mastercard", "5555555555554444"),
    ("mastercard_debit", "5200828282828210"),
    ("mastercard_prepaid", "5105105105105100"),
    ("amex", "378282246310005"),
    ("discover", "6011111111111117"),
    ("diners", "3056930009020004"),
    ("jcb", "3566002020360505"),
    ("us", "4242424242424242"),
    ("at", "4000000400000008"),
    ("au", "4000000360000006"),
    ("be", "4000000560000004"),
    ("br", "4000000760000002"),
    ("ca", "4000001240000000"),
    ("ch", "4000007560000009"),
    ("de", "4000002760000016"),
    ("dk", "4000002080000001"),
    ("es", "4000007240000007"),
    ("fi", "4000002460000001"),
    ("fr", "4000002500000003"),
    ("gb", "4000008260000000"),
    ("ie", "4000003720000005"),
    ("it", "4000003800000008"),
    ("jp", "4000003920000003"),
    ("mx", "4000004840008001"),
    ("nl", "4000005280000002"),
    ("no", "4000005780000007"),
    ("nz", "4000005540000008"),
    ("pl", "4000006160000005"),
    ("pt", "4000006200000007"),
    ("se", "4000007520000008"),
    ("bypassPending", "4000000000000077"),
    ("bypassPendingInternational", "4000003720000278"),
    ("chargeDeclined", "4000000000000002"),
    ("visa_chargeDeclined", "4000000000000002"),
    ("chargeDeclinedInsufficientFunds", "4000000000009995"),
    ("visa_chargeDeclinedInsufficientFunds", "4000000000009995"),
    ("chargeDeclinedLostCard", "4000000000009987"),
    ("visa_chargeDeclinedLostCard", "4000000000009987"),
    ("visa_chargeDeclinedStolenCard", "4000000000009979"),
    ("chargeDeclinedStolenCard", "4000000000009979"),
    ("chargeDeclinedExpiredCard", "4000000000000069"),
    ("chargeDeclinedIncorrectCvc", "4000000000000127"),
    ("chargeDeclinedProcessingError", "4000000000000119"),
    ("chargeDeclinedFraudulent", "4100000000000019"),
    ("chargeDeclinedVelocityLimitExceeded", "4000000000006975"),
    ("chargeCustomerFail", "4000000000000341"),
    ("authenticationRequired", "4000002760003184"),
    ("authenticationRequiredOnSetup", "4000002500003155"),
    ("authenticationRequiredChargeDeclinedInsufficientFunds", "4000008260003178"),
    ("threeDSecure2Required", "4000000000003220"),
    ("threeDSecureRequired", "4000000000003063"),
    ("createDispute", "4000000000000259"),
    ("createDisputeProductNotReceived", "4000000000002685"),
    ("createDisputeInquiry", "4000000000001976"),
    ("refundFail", "4000000000005126"),
    ("pendingRefund", "4000000000007726"),
];

/// What stands after `pm_usBankAccount_`, and the account's number.
const ACCOUNTS: [(&str, &str); 7] = [
    ("success", "000123456789"),
    ("accountClosed", "000111111113"),
    ("noAccount", "000111111116"),
    ("insufficientFunds", "000222222227"),
    ("debitNotAuthorized", "000333333335"),
    ("invalidCurrency", "000444444440"),
    ("dispute", "000555555559"),
];

const ROUTING_NUMBER: &str = "110000000";

fn find(known: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    known.iter().find(|(suffix, _)| *suffix == name).map(|(_, number)| *number)
}

/// The card that a token stands for.
pub(crate) fn token(name: &str) -> Option<Means> {
    card(name.strip_prefix("tok_")?)
}

/// What a payment method's well-known name stands for.
pub(crate) fn method(name: &str) -> Option<Means> {
    if let Some(name) = name.strip_prefix("pm_usBankAccount_") {
        return instruments::us_account(ROUTING_NUMBER, find(&ACCOUNTS, name)?).ok();
    }
    card(name.strip_prefix("pm_card_")?)
}

fn card(name: &str) -> Option<Means> {
    let number = find(&CARDS, name)?;
    let cvc = if number.starts_with("37") { "1234" } else { "123" };
    instruments::card(number, "12/34", cvc, (2000, 1)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_stands_for_a_number_that_can_be_used() {
        for (name, _) in CARDS {
            assert!(token(&format!("tok_{name}")).is_some(), "{name}");
            assert!(method(&format!("pm_card_{name}")).is_some(), "{name}");
        }
        for (name, _) in ACCOUNTS {
            assert!(method(&format!("pm_usBankAccount_{name}")).is_some(), "{name}");
        }
        assert_eq!((token("tok_nobody"), method("pm_1PgafyB7WZ01zgkW")), (None, None));
    }
}
