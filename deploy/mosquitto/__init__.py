"""The configuration of a Mosquitto 2 whose gateways each have a password and topics of their own, and its files."""
