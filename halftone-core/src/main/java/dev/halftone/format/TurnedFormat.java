package dev.halftone.format;

/** A format of W^T: groups run along the outputs of one input, so that every input has scales of its own. */
public record TurnedFormat(NumberFormat turned) implements StoredFormat {
    /** "int3 g128 asymmetric per input". */
    @Override
    public String label() {
        return turned.label() + " per input";
    }
}
