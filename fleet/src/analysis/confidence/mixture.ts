/**
 * Half the width of an interval that holds its parameter at every look together, for an estimate that is normal about it.
 *
 * The estimate times its information v = 1 / variance moves like a Brownian motion that is looked at at times v (Jennison & Turnbull
 * 1997), and the normal mixture bounds such a motion at all times: |S| < sqrt((v + scale) * log((v + scale) / (scale * alpha^2)))
 * (Robbins 1970; Howard, Ramdas, McAuliffe & Sekhon 2021, proposition 5; as the mixture SPRT of Johari, Koomen, Pekelis & Walsh 2022).
 * With a variance that is itself estimated, the mixture of the t statistic takes its place (Lindon, Ham, Tingley & Bojinov 2022,
 * "Anytime-valid linear models"; Wang & Ramdas 2024); it tends to the former as the degrees of freedom grow. That estimates need only
 * be normal in the limit is from Waudby-Smith, Arbour, Sinha, Kennedy & Ramdas 2024, "Time-uniform central limit theory".
 *
 * @param variance of the estimate
 * @param degreesOfFreedom with which the variance is known; Infinity where it is given
 * @param scale information at which the interval is held narrow; see `scaleFor`
 * @param alpha chance that any look ever misses, two-sided
 * @returns Infinity where so little is known that every value is possible
 */
export function mixtureRadius(variance: number, degreesOfFreedom: number, scale: number, alpha: number): number {
  if (!(variance > 0) || !(degreesOfFreedom > 0)) return Number.POSITIVE_INFINITY;
  const share = scale / (scale + 1 / variance);
  if (degreesOfFreedom === Number.POSITIVE_INFINITY) return Math.sqrt((variance / (1 - share)) * Math.log(1 / (share * alpha ** 2)));
  const kept = (share * alpha ** 2) ** (1 / (degreesOfFreedom + 1));
  if (kept <= share) return Number.POSITIVE_INFINITY;
  return Math.sqrt((variance * degreesOfFreedom * (1 - kept)) / (kept - share));
}

/**
 * The scale for which the bound is narrowest at one information (Howard et al. 2021, section 3.5, as in the library `confseq`).
 * It has to be chosen before the data: from the difference that matters, never from the variance that was seen.
 */
export function scaleFor(information: number, alpha: number): number {
  const wanted = 2 * Math.log(1 / alpha);
  return information / (wanted + Math.log1p(wanted));
}

/** Information at which a difference is about to be told from none: three to four standard errors. */
export function informationFor(difference: number): number {
  return 12 / difference ** 2;
}
