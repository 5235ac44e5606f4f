import { type InputHTMLAttributes, type TextareaHTMLAttributes, useId } from "react";

interface Around {
  readonly label: string;
  readonly hint?: string | undefined;
  readonly error?: string | undefined;
}

/** A line of text to fill in, with its name, what it takes, and what is wrong with it. */
export function Field({ label, hint, error, ...input }: Around & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <input
        {...input}
        id={id}
        className="input"
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-about`}
      />
      <About id={id} hint={hint} error={error} />
    </div>
  );
}

/** Several lines of text to fill in. */
export function TextField({
  label,
  hint,
  error,
  ...input
}: Around & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <textarea
        rows={3}
        {...input}
        id={id}
        className="input"
        aria-invalid={error ? true : undefined}
        aria-describedby={`${id}-about`}
      />
      <About id={id} hint={hint} error={error} />
    </div>
  );
}

function About({ id, hint, error }: { id: string; hint: string | undefined; error: string | undefined }) {
  return (
    <span
      id={`${id}-about`}
      className={error ? "field-error" : "field-hint"}
      role={error ? "alert" : undefined}
    >
      {error ?? hint}
    </span>
  );
}
