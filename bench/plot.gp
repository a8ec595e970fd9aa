# SPDX-License-Identifier: MIT
# Draw three plots from the CSV of one run. bench/compare runs this script and sets `results`, the
# directory; `setup`; and `level`, the load of which the latencies are shown.
set datafile separator ','
set datafile missing NaN
set key outside right top Left reverse samplen 2 spacing 1.2
set grid back linecolor rgb '#dddddd' linewidth 1
set border 3 linecolor rgb '#666666'
set tics nomirror
set terminal svg size 860,420 font 'Helvetica,Arial,sans-serif,13' background 'white' dynamic

rows  = 'sixteend-file sixteend-syslog best-bare nginx-preread haproxy go python'
names = '"sixteend, file" "sixteend, syslog" "best bare loop" "nginx preread" "HAProxy Lua" "Go" "Python"'
colours = '#c8102e #e8737f #222222 #009639 #1f77b4 #00a29c #b8860b'
widths = '3 3 2 1.5 1.5 1.5 1.5'
points = '7 6 2 5 9 13 11'

# The value of a column if the line is of this row and setup; otherwise NaN.
of(row, name) = strcol('row') eq row && strcol('setup') eq setup ? column(name) : NaN
at_level(row, name) = column('connections') == level ? of(row, name) : NaN

summary = results . '/summary.csv'
set xlabel 'connections at once'
set logscale x 2
set xrange [0.8:640]
set xtics (1, 2, 4, 8, 16, 64, 512)

set output results . '/rate.svg'
setup_title = setup eq 'shipped' ? 'as shipped' : setup
set title sprintf('Exchanges per second (%s; more is better)', setup_title)
set format y "%'.0f"
set yrange [0:*]
plot for [i=1:words(rows)] summary using (of(word(rows, i), 'connections')):(of(word(rows, i), 'rate')) \
    with linespoints linecolor rgb word(colours, i) linewidth real(word(widths, i)) \
    pointtype int(word(points, i)) title word(names, i)

set output results . '/cpu.svg'
set title sprintf('Server CPU per exchange, µs (%s; less is better; logarithmic)', setup_title)
set logscale y 10
set format y '%.0f'
set yrange [*:*]
plot for [i=1:words(rows)] summary using (of(word(rows, i), 'connections')):(of(word(rows, i), 'cpu_us')) \
    with linespoints linecolor rgb word(colours, i) linewidth real(word(widths, i)) \
    pointtype int(word(points, i)) title word(names, i)

set output results . '/latency.svg'
set title sprintf('Latency, ms, at %d connections at once (%s; less is better; logarithmic)', level, setup_title)
set xlabel 'share of the exchanges that took no longer'
set logscale x 10
set xrange [1:10000]
set xtics ('0 %%' 1, '50 %%' 2, '90 %%' 10, '99 %%' 100, '99.9 %%' 1000, '99.99 %%' 10000)
set format y '%g'
plot for [i=1:words(rows)] results . '/latency.csv' \
    using (1 / (1 - at_level(word(rows, i), 'quantile'))):(at_level(word(rows, i), 'us') / 1000) \
    with lines linecolor rgb word(colours, i) linewidth real(word(widths, i)) title word(names, i)
