// page_text.mjs: numbers as pages write them (apps/report/text.c).
export const power = '⁰¹²³⁴⁵⁶⁷⁸⁹';
export const nudges = [1 - 1e-12, 1, 1 + 1e-12]; // halves may have been rounded either way

export function spelled(value) {
  const sign = value < 0 ? '−' : '';
  const size = Math.abs(value);
  let e = Math.floor(Math.log10(size));
  if (value === Math.floor(value) && size < 1e9)
    return sign + (size >= 10000 ? size.toLocaleString('en-US') : String(size));
  const round = Math.log10(size) === e;
  if (size >= 1e-5 && size < 1e5 && (size >= 1e-3 || round)) {
    const text = size.toFixed(size < 1e-3 ? 5 : Math.max(0, 3 - e));
    return sign + (text.includes('.') ? text.replace(/\.?0+$/, '') : text);
  }
  let mantissa = size / 10 ** e;
  if (mantissa >= 9.95) { mantissa /= 10; e++; }
  return `${sign}${mantissa.toFixed(1)} × 10${e < 0 ? '⁻' : ''}${[...String(Math.abs(e))].map((d) => power[d]).join('')}`;
}

// Whether `text` is what a page shows for a number of the JSON, where null stands for what is not finite.
export const shows = (text, value) => value === null ? text === '–' : nudges.some((n) => text === spelled(value * n));
