//! Delivers queued creations to berth-operations
