/** Labelled controls: the label is always there, the error is announced and tied to its field. */
import { useId } from 'react';
import type { ComponentProps, ReactNode } from 'react';

interface FieldProps {
  label: ReactNode;
  hint?: ReactNode;
  error?: ReactNode;
}
const describedBy = (id: string, { hint, error }: FieldProps): string | undefined =>
  [error ? `${id}-error` : '', hint ? `${id}-hint` : ''].filter(Boolean).join(' ') || undefined;

function Frame({ id, label, hint, error, children }: FieldProps & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children}
      {error ? (
        <span className="error" id={`${id}-error`} role="alert">
          {error}
        </span>
      ) : null}
      {hint ? (
        <span className="hint" id={`${id}-hint`}>
          {hint}
        </span>
      ) : null}
    </div>
  );
}

export function TextField(props: FieldProps & ComponentProps<'input'>) {
  const { label, hint, error, className, ...input } = props;
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <input
        {...input}
        id={id}
        className={className ?? 'input'}
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy(id, props)}
      />
    </Frame>
  );
}
export function TextArea(props: FieldProps & ComponentProps<'textarea'>) {
  const { label, hint, error, ...input } = props;
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <textarea
        {...input}
        id={id}
        className="input"
        aria-invalid={error ? true : undefined}
        aria-describedby={describedBy(id, props)}
      />
    </Frame>
  );
}
export function SelectField(props: FieldProps & ComponentProps<'select'>) {
  const { label, hint, error, children, ...input } = props;
  const id = useId();
  return (
    <Frame id={id} label={label} hint={hint} error={error}>
      <select {...input} id={id} className="input" aria-describedby={describedBy(id, props)}>
        {children}
      </select>
    </Frame>
  );
}
export function Check({
  label,
  hint,
  ...input
}: { label: ReactNode; hint?: ReactNode } & ComponentProps<'input'>) {
  return (
    <label className="check">
      <input {...input} type="checkbox" />
      <span>
        {label}
        {hint ? <span className="hint">{hint}</span> : null}
      </span>
    </label>
  );
}
export interface Choice<T extends string> {
  value: T;
  title: ReactNode;
  text?: ReactNode;
}
/** One of a few, each with its explanation. */
export function Choices<T extends string>(props: {
  legend: ReactNode;
  name: string;
  value: T;
  onChange: (value: T) => void;
  choices: readonly Choice<T>[];
}) {
  return (
    <fieldset className="choices">
      <legend>{props.legend}</legend>
      {props.choices.map(({ value, title, text }) => (
        <label className="choice" key={value}>
          <input
            type="radio"
            name={props.name}
            value={value}
            checked={props.value === value}
            onChange={() => props.onChange(value)}
          />
          <span>
            <b>{title}</b>
            {text ? <small>{text}</small> : null}
          </span>
        </label>
      ))}
    </fieldset>
  );
}
/** A few words side by side, one of them chosen. */
export function Segmented<T extends string>(props: {
  label: string;
  value: T | null;
  onChange: (value: T) => void;
  options: readonly { value: T; label: ReactNode }[];
}) {
  return (
    <div className="seg" role="group" aria-label={props.label}>
      {props.options.map(({ value, label }) => (
        <button
          type="button"
          key={value}
          aria-pressed={props.value === value}
          onClick={() => props.onChange(value)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}
