import { QRCodeSVG } from 'qrcode.react';
import classes from './qr-code.module.css';

interface QrCodeProps {
  value: string;
  /** What happens to whoever scans it. */
  label: string;
}

/** Modules of white around the code, without which scanners do not find it. */
const QUIET_MODULES = 4;

/** A code to scan from the screen: dark on white in either theme, since many scanners know no other way round. */
export function QrCode({ value, label }: QrCodeProps) {
  // The lowest level of correction has the largest modules, and a screen has neither stains nor folds.
  return (
    <QRCodeSVG
      {...{ value, level: 'L', marginSize: QUIET_MODULES, bgColor: '#ffffff', fgColor: '#000000' }}
      className={classes.code}
      role="img"
      aria-label={label}
    />
  );
}
