package dev.halftone.format;

/**
 * A weight on integer grids before it is packed. Scales, zero points and minima are (tiles, groups).
 *
 * @param codes (out, in), one code per element
 * @param zeros ignored if the format stores none
 * @param minima ignored unless the format is affine
 * @param unit what scales are multiples of; 1 for most types of scales
 * @param groupOf the group of each input; ignored unless the format is reordered
 */
public record GridCodes(byte[] codes, float[] scales, byte[] zeros, float[] minima, float unit, int[] groupOf) {}
