//! Test application, builders and browser for Berth's tests
