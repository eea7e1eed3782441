//! Everything a person or a job can ask Berth for
