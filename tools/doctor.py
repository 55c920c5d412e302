"""Report versions, device, weights and data, with the remedy for what is wrong.

python tools/doctor.py
"""

import sys

from ddmi_toolkit.doctor import examine


def main() -> int:
    """Print the findings; 1 if the toolkit cannot run."""
    findings = examine()
    sys.stdout.write('\n'.join(map(str, findings)) + '\n')
    return int(any(f.fatal and f.remedy for f in findings))


if __name__ == '__main__':
    sys.exit(main())
