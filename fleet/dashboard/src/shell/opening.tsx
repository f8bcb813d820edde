import classes from './opening.module.css';

/** The window before it is known who looks at it. No page is drawn: it may be the login that comes. */
export function Opening() {
  return (
    <div className={classes.window} aria-busy="true">
      <img src="/starling.svg" alt="" width={48} height={48} />
    </div>
  );
}
