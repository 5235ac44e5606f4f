/** Two voices. */
export function Logo({ size = 40 }: { readonly size?: number }) {
  return (
    <svg width={size} height={size} viewBox="0 0 40 40" aria-hidden="true">
      <path
        d="M6 17C6 10.4 11.8 5 19 5s13 5.4 13 12-5.8 12-13 12c-1.7 0-3.4-.3-4.9-.9L7 30.6l1.6-5.8C7 22.6 6 20 6 17z"
        fill="var(--accent)"
      />
      <path
        d="M34.5 21.5c.3 5.6-4.4 10.6-10.8 11.3 1.8 1.4 4.2 2.2 6.8 2.2 1.2 0 2.400-.2 3.500-.5L39 36l-1.200-4.200c1.100-1.500 1.800-3.300 1.800-5.200 0-1.900-.6-3.600-1.700-5.100z"
        transform="translate(-2.500 -1)"
        fill="var(--good)"
        opacity="0.85"
      />
      <g fill="#fff">
        <circle cx="13.500" cy="17" r="1.900" />
        <circle cx="19" cy="17" r="1.900" />
        <circle cx="24.500" cy="17" r="1.900" />
      </g>
    </svg>
  );
}
