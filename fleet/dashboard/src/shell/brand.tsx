import { Link } from '@tanstack/react-router';
import classes from './brand.module.css';

/** The mark and the name; the way home. */
export function Brand() {
  return (
    <Link to="/" className={classes.brand} aria-label="Starling, to the overview">
      <img src="/starling.svg" alt="" width={30} height={30} />
      <span className={classes.name}>Starling</span>
    </Link>
  );
}
