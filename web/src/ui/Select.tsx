import { type SelectHTMLAttributes, useId } from "react";

interface Props extends Omit<SelectHTMLAttributes<HTMLSelectElement>, "id" | "className"> {
  readonly label: string;
  readonly hint?: string;
  readonly options: readonly { readonly value: string | number; readonly label: string }[];
}

/** One of several, in the device's own list. */
export function Select({ label, hint, options, ...select }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label className="field-label" htmlFor={id}>
        {label}
      </label>
      <select {...select} id={id} className="input" aria-describedby={hint ? `${id}-about` : undefined}>
        {options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
      {hint && (
        <span id={`${id}-about`} className="field-hint">
          {hint}
        </span>
      )}
    </div>
  );
}
