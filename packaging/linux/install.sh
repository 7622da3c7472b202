#!/bin/sh
# Installs the app for you alone, or with PREFIX=/usr/local (as root) for everybody:
#
#     ./install.sh
#     ./install.sh --uninstall
set -eu

name=AIImageClassifier
id=org.keras_detector.$name
prefix=${PREFIX:-$HOME/.local}
here=$(cd "$(dirname "$0")" && pwd)

app=$prefix/lib/$name
link=$prefix/bin/$name
entry=$prefix/share/applications/$id.desktop
metainfo=$prefix/share/metainfo/$id.metainfo.xml
icon=$prefix/share/icons/hicolor/512x512/apps/$id.png

fail() {
    echo "error: $1" >&2
    exit 1
}

case $prefix in
    /*) ;;
    *) fail "Expected PREFIX to begin with /. Received: $prefix" ;;
esac
case $prefix in
    *[\"\`\$\\%]*) fail "Expected a PREFIX without \" \` \$ \\ %. Received: $prefix" ;;
esac
# Whatever else has these names is not ours to replace or to remove.
if [ -e "$app" ] && [ ! -x "$app/$name" ]; then
    fail "Expected the app or nothing in $app. Received: something else. Move it away."
fi
if [ -e "$link" ] && [ ! -L "$link" ]; then
    fail "Expected a link or nothing at $link. Received: something else. Move it away."
fi

case ${1:-} in
    "") ;;
    --uninstall)
        rm -rf "$app"
        rm -f "$link" "$entry" "$metainfo" "$icon"
        echo "Removed from $prefix. Your settings stay in ~/.config/$name."
        exit 0
        ;;
    *) fail "Expected nothing or --uninstall. Received: $1" ;;
esac

for file in "$app" "$link" "$entry" "$metainfo" "$icon"; do
    mkdir -p "$(dirname "$file")"
done
# The old version stays whole until the new one is.
rm -rf "$app.new"
cp -R "$here/$name" "$app.new"
rm -rf "$app"
mv "$app.new" "$app"
ln -sf "$app/$name" "$link"
cp "$here/$id.png" "$icon"
cp "$here/$id.metainfo.xml" "$metainfo"
# A desktop does not look for programs in ~/.local/bin.
sed '/^Exec=/d' "$here/$id.desktop" >"$entry"
printf 'Exec="%s" %%F\n' "$app/$name" >>"$entry"
if command -v update-desktop-database >/dev/null; then
    update-desktop-database -q "$prefix/share/applications" || true
fi
echo "Installed in $prefix: open \"AI Image Classifier\" in your menu, or run $link"
