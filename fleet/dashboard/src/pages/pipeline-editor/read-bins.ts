/** @returns undefined where the text is no list of 1 to 64 ascending numbers */
export function readBins(text: string): number[] | undefined {
  const bins = text
    .split(/[\s,]+/)
    .filter((word) => word !== '')
    .map(Number);
  const isList = bins.length >= 1 && bins.length <= 64 && bins.every((bin) => Number.isFinite(bin));
  return isList && bins.every((bin, index) => index === 0 || bin > (bins[index - 1] ?? bin)) ? bins : undefined;
}
