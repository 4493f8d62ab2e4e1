//! The connector against a network that a test plays, over TCP.

mod certificate;
mod house;
mod network;

mod advices;
mod lines;
mod requests;
