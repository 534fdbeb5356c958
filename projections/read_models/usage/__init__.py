"""Read model: usage per meter, subject, dimensions and UTC day."""
