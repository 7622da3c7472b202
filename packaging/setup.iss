; Makes the Windows installer out of dist\AIImageClassifier, with Inno Setup 6.3 or newer:
;
;     iscc packaging\setup.iss
;
; It installs for one user, without administrator rights, and offers the app under "Open with" for
; pictures; it takes no file type away from another program.

#define Name "AIImageClassifier"
#define Title "AI Image Classifier"
#define Version "0.1.0"
#dim Endings[13] {".apng", ".avif", ".avifs", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

[Setup]
; Names the program for ever: with another one, an update would become a second installation.
AppId={{E53F6635-2EF9-4C5B-A10B-58E9A7616BE4}
AppName={#Title}
AppVersion={#Version}
AppVerName={#Title} {#Version}
AppPublisher=The keras-detector contributors
VersionInfoVersion={#Version}
DefaultDirName={autopf}\{#Name}
DefaultGroupName={#Title}
DisableProgramGroupPage=yes
PrivilegesRequired=lowest
ArchitecturesAllowed=x64compatible
ArchitecturesInstallIn64BitMode=x64compatible
MinVersion=10.0
LicenseFile=..\LICENSE
SetupIconFile=icons\app.ico
UninstallDisplayIcon={app}\{#Name}.exe
UninstallDisplayName={#Title}
OutputDir=..\dist
OutputBaseFilename={#Name}-{#Version}-windows-x64-setup
Compression=lzma2/max
SolidCompression=yes
WizardStyle=modern
ChangesAssociations=yes
CloseApplications=yes

[Languages]
Name: "en"; MessagesFile: "compiler:Default.isl"
Name: "ru"; MessagesFile: "compiler:Languages\Russian.isl"

[CustomMessages]
en.OpenWith=Offer it under "Open with" for &pictures
ru.OpenWith=Предлагать в меню «Открыть с помощью» для &изображений
en.Files=Files:
ru.Files=Файлы:
en.Picture=Picture
ru.Picture=Изображение

[Tasks]
Name: "desktopicon"; Description: "{cm:CreateDesktopIcon}"; GroupDescription: "{cm:AdditionalIcons}"
Name: "openwith"; Description: "{cm:OpenWith}"; GroupDescription: "{cm:Files}"

[InstallDelete]
; What an older version had and this one has not would otherwise stay and be loaded.
Type: filesandordirs; Name: "{app}\_internal"

[Files]
Source: "..\dist\{#Name}\*"; DestDir: "{app}"; Flags: ignoreversion recursesubdirs createallsubdirs

[Icons]
Name: "{autoprograms}\{#Title}"; Filename: "{app}\{#Name}.exe"
Name: "{autodesktop}\{#Title}"; Filename: "{app}\{#Name}.exe"; Tasks: desktopicon

[Registry]
; What "Open with" shows and starts, and for which files (learn.microsoft.com: Application
; Registration, Programmatic Identifiers).
Root: HKA; Subkey: "Software\Classes\Applications\{#Name}.exe"; ValueType: string; ValueName: "FriendlyAppName"; ValueData: "{#Title}"; Flags: uninsdeletekey; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Applications\{#Name}.exe\shell\open\command"; ValueType: string; ValueData: """{app}\{#Name}.exe"" ""%1"""; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\{#Name}.Picture"; ValueType: string; ValueData: "{cm:Picture}"; Flags: uninsdeletekey; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\{#Name}.Picture\DefaultIcon"; ValueType: string; ValueData: "{app}\{#Name}.exe,0"; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\{#Name}.Picture\shell\open\command"; ValueType: string; ValueData: """{app}\{#Name}.exe"" ""%1"""; Tasks: openwith

; Two entries for each ending: the program names the ending, the ending names the program.
#sub OneEnding
Root: HKA; Subkey: "Software\Classes\Applications\{#Name}.exe\SupportedTypes"; ValueType: string; ValueName: "{#Endings[i]}"; ValueData: ""; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\{#Endings[i]}\OpenWithProgids"; ValueType: string; ValueName: "{#Name}.Picture"; ValueData: ""; Flags: uninsdeletevalue; Tasks: openwith
#endsub
#define i
#for {i = 0; i < DimOf(Endings); i++} OneEnding
#undef i

[Run]
Filename: "{app}\{#Name}.exe"; Description: "{cm:LaunchProgram,{#Title}}"; Flags: nowait postinstall skipifsilent
