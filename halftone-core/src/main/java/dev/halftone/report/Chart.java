package dev.halftone.report;

/** Something that is drawn. */
public sealed interface Chart permits LineChart, HeatMap, Pictures {
    /** Heading, SVG and legend; empty where there is nothing to show. */
    String svg();
}
